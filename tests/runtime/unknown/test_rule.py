"""The unknown rule against loops, and what it must never do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.runtime.fusion.late import FusedRows
from headstart.runtime.unknown.prior import choose_prior
from headstart.runtime.unknown.rule import Background, UnknownRule, fit_unknown_rule
from headstart.runtime.unknown.scale import GalleryScale, fit_scale
from headstart.runtime.unknown.student import expected_maximum, student_quantile
from headstart.runtime.unknown.threshold import predictive_threshold

NO_TABLE = np.empty((0, 10))

CASES: dict[str, dict[str, Any]] = {
    "1-shot": {"shots": (1, 1, 1)},
    "5-shot": {"shots": (5,) * 4},
    "unequal": {"shots": (1, 4, 2), "views": 2},
    "background": {"shots": (2, 3), "things": 4},
    "one thing": {"shots": (2, 3), "things": 1},
    "two classes": {"shots": (1, 1)},
    "one class": {"shots": (4,)},
    "one class, background": {"shots": (1,), "things": 3},
    "twenty things": {"shots": (2, 2, 1), "things": 20},
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def _fit(given: Any, share: float = 0.05) -> UnknownRule:
    scale = fit_scale(given.fused, given.labels, given.sample_looks, given.background, 0.6)
    around = Background(looks=given.background, things=given.things)
    shots = float(np.median(np.bincount(given.labels)))
    return fit_unknown_rule(scale, given.fused.looks, given.labels, shots, around, share, NO_TABLE)


def _pull(given: Any, scale: GalleryScale, query: NDArray[Any], thing: int | None) -> float:
    """λ · mean of the five largest Z(cos) to background of other things."""
    near = sorted(
        (float(query @ look) - 1) / scale.distance
        for look, shown in zip(given.background, given.things, strict=True)
        if shown != thing
    )[-5:]
    if near:
        return 0.5 * float(np.mean(near))
    return -0.5 if len(given.background) else 0.0


def _by_loops(given: Any, scale: GalleryScale, share: float) -> float:
    """The threshold, impostor by impostor."""
    looks = given.fused.looks
    closeness = scale.closeness(looks)
    scores, groups, cross = [], [], []
    for sample, own in enumerate(given.labels.tolist()):
        others = [closeness[sample, c] for c in range(given.ways) if c != own]
        cross += others
        if others:
            scores.append(max(others) - _pull(given, scale, looks[sample], None))
            groups.append(own)
    spread = float(np.std(cross)) if cross else 0.0
    more = expected_maximum(given.ways) - expected_maximum(given.ways - 1)
    scores = [score + more * spread for score in scores]
    for look, thing in zip(given.background, given.things.tolist(), strict=True):
        closest = float(scale.closeness(look[None, :]).max())
        scores.append(closest - _pull(given, scale, look, thing))
        groups.append(given.ways + thing)
    things = len(set(given.things.tolist()))
    own = scale.own[np.isfinite(scale.own)]
    prior = choose_prior(
        NO_TABLE,
        ways=given.ways,
        shots=float(np.median(np.bincount(given.labels))),
        things=things,
        cross_deviation=spread,
        tightness=float(own.mean()) if own.size else 0.0,
    )
    uncertain = given.ways <= 2 and things < 3
    return predictive_threshold(
        np.array(scores),
        np.array(groups, np.int64),
        share / 5 if uncertain else share,
        None if things >= 20 else prior,
    )


@each_case
@pytest.mark.parametrize("share", [0.05, 0.01])
def test_the_threshold_is_that_of_loops(enrolled: Any, case: dict[str, Any], share: float) -> None:
    given = enrolled(**case)
    rule = _fit(given, share)
    assert rule.threshold == pytest.approx(_by_loops(given, rule.scale, share), abs=2e-5)
    assert rule.asked == share


@each_case
def test_scores_are_closeness_minus_the_pull_of_the_background(
    enrolled: Any, case: dict[str, Any]
) -> None:
    given = enrolled(**case)
    rule = _fit(given)
    closeness = rule.scale.closeness(given.queries)
    expected = [
        closeness[i].max() - _pull(given, rule.scale, query, None)
        for i, query in enumerate(given.queries)
    ]
    np.testing.assert_allclose(rule.score(given.queries, closeness), expected, atol=1e-5)


def test_two_perpendicular_classes_by_hand() -> None:
    """δ = 1: each sample is at −1 from the other class, both alike, so nothing varies."""
    support = FusedRows(
        rows=np.eye(2, dtype=np.float32), row_sample=np.arange(2), first=np.arange(2)
    )
    nothing = Background(looks=np.empty((0, 2), np.float32), things=np.empty(0, np.int64))
    two = np.arange(2)
    scale = fit_scale(support, two, two, nothing.looks, 0.6)
    rule = fit_unknown_rule(scale, support.looks, two, 1.0, nothing, 0.05, NO_TABLE)
    prior_mean = -1.085 + 0.103 * math.log(2)
    centre = (2 * prior_mean + 2 * -1.0) / 4
    scatter = (16 * 0.198**2 + 2 * 2 / 4 * (-1.0 - prior_mean) ** 2) / 18
    expected = centre + student_quantile(0.99, 18) * math.sqrt(scatter * 1.25)
    assert rule.threshold == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("shots", "things", "calibrated"),
    [((5,), 0, False), ((5, 5), 2, False), ((5, 5), 3, True), ((5,), 3, True), ((1,) * 3, 0, True)],
)
def test_a_share_is_promised_from_three_classes_or_three_things_on(
    enrolled: Any, shots: tuple[int, ...], things: int, calibrated: bool
) -> None:
    assert _fit(enrolled(shots, things=things)).calibrated is calibrated


def test_another_look_at_the_same_thing_is_no_other_thing(enrolled: Any) -> None:
    """Every background sample shown twice: as many things as before, nearly the same line."""
    given = enrolled((2, 3, 2), things=4)
    again = type(given)(
        views=given.views,
        labels=given.labels,
        ways=given.ways,
        background=np.concatenate([given.background] * 2),
        things=np.concatenate([given.things] * 2),
        sample_looks=given.sample_looks,
        queries=given.queries,
    )
    strangers = type(given)(**{**vars(again), "things": np.arange(16)})
    once, twice = _fit(given).threshold, _fit(again).threshold
    apart = _fit(strangers).threshold
    assert abs(twice - once) < abs(apart - once)


@pytest.mark.parametrize("seed", range(4))
def test_a_rarer_false_accept_needs_a_clearer_score(enrolled: Any, seed: int) -> None:
    given = enrolled((3, 2, 3), things=2, seed=seed)
    lines = [_fit(given, share).threshold for share in (0.2, 0.05, 0.01, 0.001)]
    assert lines == sorted(lines)


def test_many_samples_are_thinned_evenly_over_the_classes(enrolled: Any) -> None:
    """1,500 samples enrolled in turn, one in three scored: still all six classes, not two."""
    given = enrolled((250,) * 6)
    in_turn = np.argsort(given.labels, kind="stable").reshape(6, 250).T.ravel()
    turned = type(given)(
        **{
            **vars(given),
            "views": [given.views[i] for i in in_turn],
            "labels": given.labels[in_turn],
        }
    )
    whole = _by_loops(given, _fit(given).scale, 0.05)
    assert _fit(given).threshold == pytest.approx(whole, abs=0.02)
    assert _fit(turned).threshold == pytest.approx(whole, abs=0.02)


@drawn(
    shots=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    things=st.integers(0, 4),
    views=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_every_gallery_has_a_finite_line(
    enrolled: Any, shots: list[int], things: int, views: int, seed: int
) -> None:
    given = enrolled(tuple(shots), things=things, views=views, seed=seed)
    rule = _fit(given)
    scores = rule.score(given.queries, rule.scale.closeness(given.queries))
    assert math.isfinite(rule.threshold)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("ways", [1, 2, 3])
def test_identical_samples_of_all_classes_are_no_reason_to_fail(ways: int) -> None:
    rows = np.tile(np.array([[0.6, 0.8]], np.float32), (2 * ways, 1))
    support = FusedRows(rows=rows, row_sample=np.arange(2 * ways), first=np.arange(2 * ways))
    labels = np.repeat(np.arange(ways), 2)
    around = Background(looks=rows[:1], things=np.zeros(1, np.int64))
    scale = fit_scale(support, labels, np.arange(2 * ways), around.looks, 0.6)
    rule = fit_unknown_rule(scale, support.looks, labels, 2.0, around, 0.05, NO_TABLE)
    assert math.isfinite(rule.threshold)


def test_strangers_of_the_same_kind_are_accepted_about_as_often_as_asked() -> None:
    """The wide prior keeps the share on things unlike those it was learnt on: a ceiling."""
    rng = np.random.default_rng(0)
    nothing = Background(looks=np.empty((0, 64), np.float32), things=np.empty(0, np.int64))
    five, accepted = np.arange(5), []
    for _ in range(60):
        centres = rng.normal(size=(35, 64)) + 0.5
        looks = centres + 0.6 * rng.normal(size=centres.shape)
        looks /= np.linalg.norm(looks, axis=1, keepdims=True)
        shown = np.asarray(looks, np.float32)
        support = FusedRows(rows=shown[:5], row_sample=five, first=five)
        scale = fit_scale(support, five, five, nothing.looks, 0.6)
        rule = fit_unknown_rule(scale, support.looks, five, 1.0, nothing, 0.05, NO_TABLE)
        score = rule.score(shown[5:], scale.closeness(shown[5:]))
        accepted.append(float(np.mean(score > rule.threshold)))
    assert 0.0 < float(np.mean(accepted)) <= 0.1
