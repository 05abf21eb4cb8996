"""The predictive threshold: by hand, against simulation, and what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.runtime.unknown.student import student_quantile
from headstart.runtime.unknown.threshold import ThresholdPrior, predictive_threshold

PRIOR = ThresholdPrior(mean=-0.4, deviation=0.2, mean_strength=8.0, deviation_strength=16.0)


def _threshold(
    groups: list[list[float]], share: float = 0.05, prior: ThresholdPrior | None = PRIOR
) -> float:
    scores = np.array([s for group in groups for s in group])
    numbers = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return predictive_threshold(scores, numbers.astype(np.int64), share, prior)


def test_without_a_prior_by_hand() -> None:
    """Means 1, 2, 3; v = 3/2 · mean(1, 0, 1) = 1: m + t₂(.95)·√(4/3)."""
    expected = 2 + student_quantile(0.95, 2) * math.sqrt(4 / 3)
    assert _threshold([[1], [2], [3]], prior=None) == pytest.approx(expected)


def test_with_a_prior_by_hand() -> None:
    """G = 2, m = 0, v = 2·mean(.04, .04, both groups alike) = .08, κ = 10, ν = 18."""
    centre = (8 * -0.4 + 2 * 0.0) / 10
    scatter = (16 * 0.04 + 1 * 0.08 + 8 * 2 / 10 * 0.16) / 18
    expected = centre + student_quantile(0.95, 18) * math.sqrt(scatter * 1.1)
    assert _threshold([[0.2], [-0.2]]) == pytest.approx(expected)


def test_spread_inside_a_thing_counts_as_well() -> None:
    """One thing at 0 ± 1 and one at 0: v = 2 · mean(1, 0) = 1."""
    centre, scatter = 8 * -0.4 / 10, (16 * 0.04 + 1.0 + 8 * 2 / 10 * 0.16) / 18
    expected = centre + student_quantile(0.95, 18) * math.sqrt(scatter * 1.1)
    assert _threshold([[1, -1], [0]]) == pytest.approx(expected)


def test_with_nothing_seen_the_prior_alone_decides() -> None:
    expected = -0.4 + student_quantile(0.95, 16) * 0.2 * math.sqrt(1 + 1 / 8)
    assert _threshold([]) == pytest.approx(expected)


@pytest.mark.parametrize("groups", [[], [[1.0]], [[1.0, 2.0], [3.0]]], ids=["0", "1", "2"])
def test_without_a_prior_fewer_than_three_things_support_no_threshold(
    groups: list[list[float]],
) -> None:
    assert _threshold(groups, prior=None) == math.inf


@pytest.mark.parametrize("share", [0.05, 0.01])
@pytest.mark.parametrize("prior", [None, PRIOR], ids=["flat", "prior"])
def test_many_things_give_the_share_that_was_asked_for(
    share: float, prior: ThresholdPrior | None
) -> None:
    rng = np.random.default_rng(0)
    seen, unseen = rng.normal(0.3, 0.7, size=(2, 40_000))
    line = predictive_threshold(seen, np.arange(seen.size), share, prior)
    assert float(np.mean(unseen > line)) == pytest.approx(share, rel=0.08)
    assert line == pytest.approx(0.3 + 0.7 * student_quantile(1 - share, 1e6), abs=0.02)


@pytest.mark.parametrize("count", [3, 5, 20])
def test_the_next_thing_is_accepted_as_often_as_asked_even_when_few_were_seen(count: int) -> None:
    """Over many small galleries of normal scores the flat rule is exact."""
    rng = np.random.default_rng(count)
    accepted = [
        draw[-1] > predictive_threshold(draw[:-1], np.arange(count), 0.1, None)
        for draw in rng.normal(size=(4000, count + 1))
    ]
    assert float(np.mean(accepted)) == pytest.approx(0.1, abs=0.02)


def test_things_are_counted_not_samples() -> None:
    """A hundred looks at one thing weigh as much as one look each at the others."""
    few = _threshold([[0.1], [0.3], [0.5]], prior=None)
    assert _threshold([[0.1] * 100, [0.3], [0.5]], prior=None) == pytest.approx(few)


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=12))
def test_order_and_names_of_things_do_not_matter(scores: list[float]) -> None:
    rng = np.random.default_rng(len(scores))
    groups = np.arange(len(scores)) % 3
    mixed = rng.permutation(len(scores))
    given_scores: NDArray[np.float64] = np.array(scores)
    plain = predictive_threshold(given_scores, groups, 0.05, PRIOR)
    again = predictive_threshold(given_scores[mixed], 100 - 7 * groups[mixed], 0.05, PRIOR)
    assert again == pytest.approx(plain, abs=1e-12)


@given(st.lists(st.floats(-2, 2), max_size=8), st.floats(0.001, 0.2))
def test_a_smaller_share_draws_a_higher_line(scores: list[float], share: float) -> None:
    groups = [[score] for score in scores]
    assert _threshold(groups, share) < _threshold(groups, share / 2)
