"""Leave-one-out in closed form against refits that really leave the sample out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import balance
from headstart.runtime.heads.leave_one_out import prototype_leave_one_out, ridge_leave_one_out


def _support(views: list[int], ways: int, dim: int, seed: int) -> Any:
    """Samples of several views each, classes in turn: rows, hot, row_sample, first, labels."""
    rng = np.random.default_rng(seed)
    row_sample = np.repeat(np.arange(len(views)), views)
    labels = np.arange(len(views)) % ways
    x = rng.normal(size=(row_sample.size, dim)) + 0.8 * np.eye(ways, dim)[labels[row_sample]]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    first = np.cumsum(views) - views
    return x, np.eye(ways)[labels[row_sample]], row_sample, first, labels


def _refitted_ridge(
    x: NDArray[Any], hot: NDArray[Any], row_sample: NDArray[Any], first: NDArray[Any], sample: int
) -> NDArray[Any]:
    kept, weight = row_sample != sample, balance(hot)
    rows, b = x[kept], weight[kept][:, None]
    solution = np.linalg.solve(
        rows.T @ (b * rows) + 0.3 * np.eye(x.shape[1]), rows.T @ (b * hot[kept])
    )
    return np.asarray(x[first[sample]] @ solution)


@given(
    views=st.lists(st.integers(1, 4), min_size=4, max_size=9),
    ways=st.integers(1, 4),
    dim=st.integers(4, 30),
    seed=st.integers(0, 1000),
)
def test_ridge_scores_are_those_of_refits(views: list[int], ways: int, dim: int, seed: int) -> None:
    """Narrow and wide spaces: both ways to solve it are drawn."""
    x, hot, row_sample, first, _ = _support(views, ways, dim, seed)
    asked = np.arange(len(views))
    held_out = ridge_leave_one_out(x, hot, 0.3, row_sample, first, asked)
    refits = [_refitted_ridge(x, hot, row_sample, first, int(s)) for s in asked]
    np.testing.assert_allclose(held_out, refits, atol=1e-8)


def test_only_the_samples_asked_for_are_answered_in_their_order() -> None:
    x, hot, row_sample, first, _ = _support([3, 1, 2, 3, 1, 2], 3, 8, 0)
    every = ridge_leave_one_out(x, hot, 0.3, row_sample, first, np.arange(6))
    some = np.array([4, 0, 3])
    np.testing.assert_allclose(
        ridge_leave_one_out(x, hot, 0.3, row_sample, first, some), every[some]
    )
    np.testing.assert_allclose(
        prototype_leave_one_out(x, hot, first, some),
        prototype_leave_one_out(x, hot, first, np.arange(6))[some],
    )


@pytest.mark.parametrize("views", [[1] * 6, [3, 1, 2, 3, 1, 2]], ids=["one view", "several views"])
def test_prototype_scores_are_those_of_means_without_the_sample(views: list[int]) -> None:
    x, hot, row_sample, first, labels = _support(views, 3, 8, 1)
    held_out = prototype_leave_one_out(x, hot, first, np.arange(6))
    for sample in range(6):
        for column in range(3):
            rows = [
                x[i]
                for i, owner in enumerate(row_sample)
                if owner != sample and labels[owner] == column
            ]
            mean = sum(rows) / len(rows)
            cosine = x[first[sample]] @ mean / np.linalg.norm(mean)
            assert held_out[sample, column] == pytest.approx(cosine)


def test_a_class_without_its_only_sample_is_farthest() -> None:
    x = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    hot = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    held_out = prototype_leave_one_out(x, hot, np.arange(3), np.array([0]))
    assert held_out[0, 0] == -1.0
