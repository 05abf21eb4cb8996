"""The fused space: cosines are weighted means of the streams' cosines, whatever is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.runtime.fusion.late import Placed, fuse, weigh

DIMS = {"image": 3, "sound": 2}


def _placed(
    image: list[list[float]] | None = None,
    sound: list[list[float]] | None = None,
    weights: dict[str, float] | None = None,
) -> Placed:
    given = {"image": image, "sound": sound}
    points = {s: np.array(z, np.float32) for s, z in given.items() if z is not None}
    return Placed(points=points, weights=weights or dict.fromkeys(points, 1.0))


def test_weigh_by_hand() -> None:
    """√4·[1, 0] beside √1·[0, 1], scaled to unit length: the first stream's share is 4/5."""
    fused = weigh([np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])], np.array([[4.0, 1.0]]))
    np.testing.assert_allclose(fused, np.array([[2.0, 0.0, 0.0, 1.0]]) / np.sqrt(5))


@given(
    seed=st.integers(0, 999),
    weights=st.lists(st.floats(0.01, 10), min_size=2, max_size=2),
)
def test_the_fused_cosine_is_the_weighted_mean_of_the_streams(
    seed: int, weights: list[float]
) -> None:
    rng = np.random.default_rng(seed)
    parts = [rng.normal(size=(2, 4)), rng.normal(size=(2, 6))]
    parts = [z / np.linalg.norm(z, axis=1, keepdims=True) for z in parts]
    fused = weigh(parts, np.array([weights, weights]))
    share = np.array(weights) / sum(weights)
    cosines = [float(z[0] @ z[1]) for z in parts]
    assert float(fused[0] @ fused[1]) == pytest.approx(float(share @ cosines))


def test_an_absent_stream_leaves_the_other_alone_whatever_its_weight() -> None:
    fused = weigh([np.array([[0.6, 0.8]]), np.zeros((1, 3))], np.array([[0.2, 7.0]]))
    np.testing.assert_allclose(fused, [[0.6, 0.8, 0, 0, 0]])


def test_numpy_and_torch_agree(rows: Any, torch: Any) -> None:
    parts, weights = [rows(0, 6, 8), rows(1, 6, 5)], np.abs(rows(2, 6, 2)) + np.float32(0.1)
    theirs = weigh([torch.from_numpy(z) for z in parts], torch.from_numpy(weights)).numpy()
    np.testing.assert_allclose(weigh(parts, weights), theirs, atol=1e-6)


def test_gradients_flow_to_points_and_weights(rows: Any, torch: Any) -> None:
    inputs = [
        torch.tensor(z).double().requires_grad_()
        for z in (rows(0, 2, 3), rows(1, 2, 2), np.array([[0.3, 1.0], [2.0, 0.5]]))
    ]
    assert torch.autograd.gradcheck(lambda a, b, w: weigh([a, b], w), inputs)


def test_a_sample_has_a_row_for_each_view_and_a_pooled_stream_is_repeated() -> None:
    sample = _placed([[1, 0, 0], [0, 1, 0]], [[0, 1]])
    fused = fuse([sample], ("image", "sound"), DIMS)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(
        fused.rows, [[half, 0, 0, 0, half], [0, half, 0, 0, half]], rtol=1e-6
    )
    assert (fused.row_sample.tolist(), fused.first.tolist()) == ([0, 0], [0])


def test_samples_with_different_streams_share_one_space() -> None:
    samples = [_placed([[1, 0, 0], [0, 1, 0]]), _placed(None, [[0, 1]]), _placed([[0, 0, 1]])]
    fused = fuse(samples, ("image", "sound"), DIMS)
    assert fused.rows.tolist() == [
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 0, 0, 1],
        [0, 0, 1, 0, 0],
    ]
    assert (fused.row_sample.tolist(), fused.first.tolist()) == ([0, 0, 1, 2], [0, 2, 3])
    assert fused.looks.tolist() == fused.rows[[0, 2, 3]].tolist()


def test_streams_that_are_not_asked_for_are_left_out() -> None:
    fused = fuse([_placed([[1, 0, 0]] * 3, [[0, 1]])], ("sound",), DIMS)
    assert fused.rows.tolist() == [[0, 1]]


def test_trust_counts_for_each_sample_by_itself() -> None:
    first = _placed([[1, 0, 0]], [[0, 1]], {"image": 3.0, "sound": 1.0})
    second = _placed([[1, 0, 0]], [[0, 1]], {"image": 1.0, "sound": 3.0})
    fused = fuse([first, second], ("image", "sound"), DIMS)
    squared = np.square(fused.rows)
    np.testing.assert_allclose(squared[:, 0], [0.75, 0.25], rtol=1e-6)
    np.testing.assert_allclose(squared[:, 4], [0.25, 0.75], rtol=1e-6)


def test_a_query_is_one_point_of_each_stream() -> None:
    query = _placed([[1, 0, 0], [0, 1, 0]], [[0, 1]]).first()
    assert {s: z.tolist() for s, z in query.points.items()} == {
        "image": [[1, 0, 0]],
        "sound": [[0, 1]],
    }


def test_shares_are_those_of_the_streams_that_are_there() -> None:
    both = _placed([[1, 0, 0]], [[0, 1]], {"image": 3.0, "sound": 1.0})
    one = Placed(points={"sound": both.points["sound"]}, weights=both.weights)
    assert both.shares() == {"image": 0.75, "sound": 0.25}
    assert one.shares() == {"sound": 1.0}


def test_later_views_are_left_out_of_every_sample_alike() -> None:
    """Seven rows at most for three samples are two points each; a lone point stays."""
    views = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    fused = fuse(
        [_placed(views), _placed([[0, 1, 0]]), _placed(views[::-1])],
        ("image",),
        DIMS,
        rows_at_most=7,
    )
    assert fused.rows.tolist() == [*views[:2], views[1], *views[:0:-1]]
    assert fused.row_sample.tolist() == [0, 0, 1, 2, 2]


def test_every_sample_keeps_one_row_however_many_there_are() -> None:
    fused = fuse([_placed([[1, 0, 0], [0, 1, 0]])] * 5, ("image",), DIMS, rows_at_most=3)
    assert fused.rows.tolist() == [[1, 0, 0]] * 5


@given(
    pattern=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_fused_rows_are_unit_vectors_and_the_gram_is_theirs(
    pattern: list[tuple[int, int]], seed: int
) -> None:
    """For each sample how many points its streams have; a sample without any has one sound."""
    rng = np.random.default_rng(seed)

    def points(count: int, dim: int) -> list[list[float]] | None:
        z = rng.normal(size=(count, dim))
        scaled: list[list[float]] = (z / np.linalg.norm(z, axis=1, keepdims=True)).tolist()
        return scaled or None

    samples = [
        _placed(
            points(image, 3),
            points(sound or int(image == 0), 2),
            {"image": rng.uniform(0.1, 3), "sound": rng.uniform(0.1, 3)},
        )
        for image, sound in pattern
    ]
    fused = fuse(samples, ("image", "sound"), DIMS)
    np.testing.assert_allclose(np.linalg.norm(fused.rows, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(fused.gram(), fused.rows @ fused.rows.T, atol=1e-6)
    for at, (sample, first) in enumerate(zip(samples, fused.first, strict=True)):
        alone = fuse([sample.first()], ("image", "sound"), DIMS).rows[0]
        np.testing.assert_allclose(fused.rows[first], alone, atol=1e-6)
        assert fused.row_sample[first] == at
