"""Closeness on the gallery's own scale, against the formulas written out as loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.fusion.late import FusedRows
from headstart.runtime.unknown.scale import GalleryScale, fit_scale

CASES: dict[str, dict[str, Any]] = {
    "1-shot": {"shots": (1, 1, 1)},
    "5-shot": {"shots": (5,) * 4},
    "unequal": {"shots": (1, 4, 2)},
    "views": {"shots": (1, 3, 2), "views": 3},
    "background": {"shots": (2, 3), "things": 4},
    "two classes": {"shots": (1, 1)},
    "bursts": {"shots": (2, 5, 4), "views": 2, "burst": 2},
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def _fit(given: Any) -> GalleryScale:
    return fit_scale(given.fused, given.labels, given.sample_looks, given.background, 0.6)


def _unit(x: Any) -> NDArray[np.float64]:
    return np.asarray(x / np.sqrt(float(x @ x)), np.float64)


class _Loops:
    """μ, δ, ℓ, h and a(q) of the unknown rule, one number at a time."""

    def __init__(self, given: Any) -> None:
        samples = list(zip(given.views, given.labels.tolist(), strict=True))
        looks = given.sample_looks.tolist()
        self.rows = [
            [row for views, label in samples if label == c for row in views]
            for c in range(given.ways)
        ]
        self.means = [_unit(np.mean(rows, axis=0, dtype=np.float64)) for rows in self.rows]
        apart = [
            float(views[0] @ self.means[c])
            for views, label in samples
            for c in range(given.ways)
            if c != label
        ]
        levels = [float(np.mean(apart))]
        if len(given.background):
            levels.append(float(np.mean([b @ m for b in given.background for m in self.means])))
        self.distance = 1 - float(np.mean(levels))
        tightness = []
        for c in range(given.ways):
            members = [
                (views, look)
                for (views, label), look in zip(samples, looks, strict=True)
                if label == c
            ]
            own = []
            for views, look in members:
                rest = [row for other, shown in members if shown != look for row in other]
                if rest:
                    mean = _unit(np.mean(rest, axis=0, dtype=np.float64))
                    own.append((float(views[0] @ mean) - 1) / self.distance)
            tightness.append(float(np.mean(own)) if own else None)
        known = [t for t in tightness if t is not None]
        everybody = float(np.mean(known)) if known else 0.0
        self.handicap = [
            0.4 * (0.5 * (everybody if t is None else t) + 0.5 * everybody) for t in tightness
        ]

    def closeness(self, query: NDArray[Any]) -> list[float]:
        return [
            0.5 * (float(query @ mean) - 1) / self.distance
            + 0.5 * (max(float(query @ row) for row in rows) - 1) / self.distance
            - handicap
            for mean, rows, handicap in zip(self.means, self.rows, self.handicap, strict=True)
        ]


@each_case
def test_distance_handicap_and_closeness_are_those_of_loops(
    enrolled: Any, case: dict[str, Any]
) -> None:
    given = enrolled(**case)
    scale, loops = _fit(given), _Loops(given)
    assert scale.distance == pytest.approx(loops.distance, rel=1e-5)
    np.testing.assert_allclose(scale.handicap, loops.handicap, atol=1e-5)
    expected = [loops.closeness(query) for query in given.queries]
    np.testing.assert_allclose(scale.closeness(given.queries), expected, atol=1e-5)


def test_two_perpendicular_classes_by_hand() -> None:
    """δ = 1; [.6, .8] is at cos .6 and .8, and with one sample each nothing is taken off."""
    support = FusedRows(
        rows=np.eye(2, dtype=np.float32), row_sample=np.arange(2), first=np.arange(2)
    )
    scale = fit_scale(support, np.arange(2), np.arange(2), np.empty((0, 2), np.float32), 0.6)
    assert (scale.distance, scale.handicap.tolist()) == (1.0, [0.0, 0.0])
    np.testing.assert_allclose(
        scale.closeness(np.array([[0.6, 0.8]], np.float32)), [[-0.4, -0.2]], atol=1e-6
    )


def test_one_class_is_measured_in_the_bundle_s_usual_distance(enrolled: Any) -> None:
    assert _fit(enrolled((3,))).distance == 0.6


def test_one_class_with_background_is_measured_against_it(enrolled: Any) -> None:
    given = enrolled((3,), things=2)
    mean = _unit(np.mean(np.concatenate(given.views), axis=0))
    assert _fit(given).distance == pytest.approx(1 - float(np.mean(given.background @ mean)))


def test_identical_classes_keep_a_distance_above_zero() -> None:
    rows = np.tile(np.array([[0.6, 0.8]], np.float32), (4, 1))
    support = FusedRows(rows=rows, row_sample=np.arange(4), first=np.arange(4))
    labels = np.array([0, 0, 1, 1])
    scale = fit_scale(support, labels, np.arange(4), np.empty((0, 2), np.float32), 0.6)
    assert scale.distance == 0.05
    np.testing.assert_allclose(scale.closeness(rows), 0.0, atol=1e-5)


def test_own_tightness_is_not_a_number_where_a_class_has_one_look(enrolled: Any) -> None:
    given = enrolled((1, 3))
    assert np.isnan(_fit(given).own).tolist() == (given.labels == 0).tolist()
    burst = enrolled((3, 4), burst=3)
    assert np.isnan(_fit(burst).own).tolist() == [True] * 3 + [False] * 4


@each_case
def test_the_order_of_samples_does_not_matter(enrolled: Any, case: dict[str, Any]) -> None:
    given = enrolled(**{**case, "burst": 1})
    order = np.random.default_rng(1).permutation(len(given.views))
    mixed = type(given)(
        views=[given.views[i] for i in order],
        labels=given.labels[order],
        ways=given.ways,
        background=given.background[::-1],
        things=given.things[::-1],
        sample_looks=given.sample_looks,
        queries=given.queries,
    )
    np.testing.assert_allclose(
        _fit(mixed).closeness(given.queries), _fit(given).closeness(given.queries), atol=1e-5
    )


@each_case
def test_renumbering_classes_only_moves_columns(enrolled: Any, case: dict[str, Any]) -> None:
    given = enrolled(**{**case, "burst": 1})
    number = np.random.default_rng(2).permutation(given.ways)
    renumbered = fit_scale(
        given.fused, number[given.labels], given.sample_looks, given.background, 0.6
    )
    np.testing.assert_allclose(
        renumbered.closeness(given.queries)[:, number],
        _fit(given).closeness(given.queries),
        atol=1e-5,
    )
