"""What is fitted in the space of one set of streams."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headstart.runtime.errors import ConfigError, ShapeError
from headstart.runtime.fusion.late import Placed, fuse
from headstart.runtime.heads.adapt import adapt
from headstart.runtime.heads.arrays import unit
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.recognition.subspace import ROWS_AT_MOST, Subspace, fit_subspace
from headstart.runtime.recognition.support import Support

START = LearnedInitialization()


@pytest.fixture
def fit(dims: Any) -> Any:
    def fit_it(support: Any, *streams: str, **options: Any) -> Subspace:
        given = {"head": "auto", "false_accept_share": 0.05, **options}
        start = given.pop("start", START)
        return fit_subspace(support, streams, dims, start, **given)

    return fit_it


def test_only_samples_with_one_of_the_streams_take_part(
    fit: Any, placed: Any, support: Any
) -> None:
    given = support(
        {
            "seen": [placed(0, 0, "image"), placed(0, 1, "image")],
            "heard": [placed(1, 0, "sound")],
            "both": [placed(2, 0, "image", "sound"), placed(2, 1, "sound")],
        }
    )
    space = fit(given, "image")
    assert space.classes.tolist() == [0, 2]
    assert space.rule.scale.rows.shape == (9, 16)
    assert space.rule.scale.own.size == 3


def test_nothing_is_fitted_where_nothing_was_enrolled(dims: Any, placed: Any, support: Any) -> None:
    given = support({"seen": [placed(0, 0, "image")]})
    with pytest.raises(ShapeError, match="nothing enrolled has any of the streams sound"):
        fit_subspace(given, ("sound",), dims, START, head="auto", false_accept_share=0.05)


@pytest.mark.parametrize(
    ("streams", "shots", "method"),
    [(("sound",), 1, "prototype"), (("sound",), 2, "ridge"), (("image",), 1, "ridge")],
    ids=["one row each", "two rows each", "views are rows"],
)
def test_auto_counts_rows(
    fit: Any, placed: Any, support: Any, streams: tuple[str, ...], shots: int, method: str
) -> None:
    given = support({str(k): [placed(k, take) for take in range(shots)] for k in range(3)})
    assert fit(given, *streams).method == method


def test_the_head_is_fitted_to_the_fused_rows(
    fit: Any, dims: Any, placed: Any, support: Any
) -> None:
    samples = [placed(k, take) for k in range(3) for take in range(2)]
    given = support({str(k): samples[2 * k : 2 * k + 2] for k in range(3)})
    space = fit(given, "image", "speech")
    fused = fuse(samples, ("image", "speech"), dims)
    hot = np.eye(3, dtype=np.float32)[np.repeat(np.arange(3), 2)[fused.row_sample]]
    queries = fuse([placed(1, 9).first()], ("image", "speech"), dims).rows
    np.testing.assert_allclose(
        space.head.score(queries), adapt("ridge", fused.rows, hot, START).score(queries), atol=1e-6
    )


def test_prototype_scores_are_read_in_units_of_the_class_distance(
    fit: Any, placed: Any, support: Any
) -> None:
    given = support({str(k): [placed(k, 0, "sound")] for k in range(3)})
    space = fit(given, "sound")
    assert space.unit_score == space.rule.scale.distance
    assert space.temperature == 11.5
    assert fit(given, "sound", head="ridge").unit_score == 1.0


def test_the_bundle_s_temperatures_and_penalty_go_first(
    fit: Any, placed: Any, support: Any
) -> None:
    start = LearnedInitialization(temperatures={"prototype": (3.0, 4.0, 5.0)})
    given = support({str(k): [placed(k, 0, "sound")] for k in range(3)})
    assert fit(given, "sound", start=start).temperature == 3.0


def test_leave_one_out_moves_the_temperature_once_a_class_has_two_samples(
    fit: Any, placed: Any, support: Any
) -> None:
    one = support({str(k): [placed(k)] for k in range(3)})
    two = support({str(k): [placed(k), placed(k, 1)] for k in range(3)})
    assert fit(one, "image").temperature == 8.0
    assert fit(two, "image").temperature > 8.0


def test_many_samples_keep_their_first_views_only(
    fit: Any, dims: Any, placed: Any, support: Any
) -> None:
    """300 samples of three views are 900 rows: two views each remain, the query's among them."""
    samples = [placed(k, take, "image") for k in range(3) for take in range(100)]
    space = fit(support({str(k): samples[100 * k : 100 * k + 100] for k in range(3)}), "image")
    assert space.rule.scale.rows.shape[0] == 600 <= ROWS_AT_MOST
    kept = [Placed(points={"image": s.points["image"][:2]}, weights=s.weights) for s in samples]
    fewer = fit(support({str(k): kept[100 * k : 100 * k + 100] for k in range(3)}), "image")
    np.testing.assert_array_equal(space.head.weights, fewer.head.weights)


def test_contributions_are_shares_of_the_cosine_to_the_class(fit: Any, dims: Any) -> None:
    """Both streams weigh 1/2: cosines .8 and .2 give shares of .8 and .2."""

    def sample(sound: list[float], speech: list[float]) -> Placed:
        points = {
            "sound": np.array([sound + [0] * 10], np.float32),
            "speech": np.array([speech + [0] * 6], np.float32),
        }
        return Placed(points=points, weights={"sound": 1.0, "speech": 1.0})

    given = Support(names=("a",), samples=(sample([1, 0], [1, 0]),), labels=np.zeros(1, np.int64))
    space = fit(given, "sound", "speech")
    query = fuse([sample([0.8, 0.6], [0.2, 0.96**0.5])], ("sound", "speech"), dims).rows[0]
    assert space.contributions(query, 0) == pytest.approx({"sound": 0.8, "speech": 0.2})
    against = fuse([sample([0.8, 0.6], [-0.2, 0.96**0.5])], ("sound", "speech"), dims).rows[0]
    assert space.contributions(against, 0) == pytest.approx({"sound": 1.0, "speech": 0.0})
    nothing = fuse([sample([0, 1], [0, -1])], ("sound", "speech"), dims).rows[0]
    assert space.contributions(nothing, 0) == {"sound": 0.5, "speech": 0.5}


def test_background_takes_part_where_it_has_the_streams(
    fit: Any, placed: Any, support: Any
) -> None:
    given = support(
        {str(k): [placed(k)] for k in range(3)},
        [placed(7, 0, "image"), placed(8, 0, "sound"), placed(9)],
    )
    assert fit(given, "image").rule.background.things.tolist() == [0, 2]
    assert fit(given, "image", "sound").rule.background.things.tolist() == [0, 1, 2]
    assert fit(given, "image").rule.background.looks.shape == (2, 16)


def test_an_only_class_is_measured_in_the_streams_usual_distances(
    fit: Any, placed: Any, support: Any
) -> None:
    start = LearnedInitialization(distances={"image": 0.5, "sound": 0.9})
    given = support({"mug": [placed(0)]})
    assert fit(given, "image", "sound", start=start).rule.scale.distance == pytest.approx(0.7)


def _metric(**matrices: Any) -> LearnedInitialization:
    streams = {s: {"metric": np.asarray(m, np.float32)} for s, m in matrices.items()}
    return LearnedInitialization(streams=streams)


def test_a_learned_metric_acts_on_each_stream_by_itself(
    fit: Any, dims: Any, placed: Any, support: Any
) -> None:
    start = _metric(sound=2 * np.eye(12), speech=3 * np.eye(8))
    given = support({str(k): [placed(k)] for k in range(3)})
    space = fit(given, "sound", "speech", start=start, head="prototype:learned")
    means = fuse(given.samples, ("sound", "speech"), dims).looks
    query = fuse([placed(1, 5).first()], ("sound", "speech"), dims).rows
    gaps = (query - means) * np.repeat([2, 3], [12, 8])
    expected = -np.square(gaps).sum(axis=1)
    scores = space.head.score(query)[0]
    np.testing.assert_allclose(scores - scores[0], expected - expected[0], atol=1e-5)


def test_a_metric_that_one_stream_lacks_is_no_metric(fit: Any, placed: Any, support: Any) -> None:
    given = support({str(k): [placed(k)] for k in range(3)})
    with pytest.raises(ConfigError, match="this bundle ships none"):
        fit(given, "sound", "speech", start=_metric(sound=np.eye(12)), head="prototype:learned")


def test_the_means_of_the_scale_are_those_of_the_classes(
    fit: Any, dims: Any, placed: Any, support: Any
) -> None:
    given = support({str(k): [placed(k, t) for t in range(2)] for k in range(2)})
    fused = fuse(given.samples, ("image",), dims).rows
    np.testing.assert_allclose(
        fit(given, "image").rule.scale.prototypes,
        unit(np.stack([fused[:6].mean(axis=0), fused[6:].mean(axis=0)])),
        atol=1e-6,
    )


def test_frames_of_a_burst_are_one_look(fit: Any, placed: Any, support: Any) -> None:
    """Two bursts of three: the temperature of one look each, until a second look is there."""
    samples = {str(k): [placed(k, take) for take in range(3)] for k in range(3)}
    bursts = replace(support(samples), looks=np.repeat(np.arange(3), 3))
    assert fit(bursts, "sound").temperature == fit(bursts, "image").temperature == 8.0
    assert np.isnan(fit(bursts, "sound").rule.scale.own).all()
    assert fit(support(samples), "sound").temperature != 8.0


def test_looks_may_be_enrolled_in_any_order(fit: Any, placed: Any, support: Any) -> None:
    """A burst whose frames arrived between those of others is still one burst."""
    in_order = replace(
        support({str(k): [placed(k, take) for take in range(4)] for k in range(2)}),
        looks=np.array([0, 0, 1, 1, 2, 2, 3, 3]),
    )
    order = [6, 0, 4, 2, 7, 1, 5, 3]
    mixed = Support(
        names=in_order.names,
        samples=tuple(in_order.samples[i] for i in order),
        labels=in_order.labels[order],
        looks=in_order.looks[order],
    )
    one, other = fit(in_order, "image", "sound"), fit(mixed, "image", "sound")
    assert one.temperature == pytest.approx(other.temperature, rel=1e-3)
    assert one.rule.threshold == pytest.approx(other.rule.threshold, abs=1e-3)
    assert sorted(one.rule.scale.own) == pytest.approx(sorted(other.rule.scale.own), abs=0.05)
