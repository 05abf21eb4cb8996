from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from headstart.runtime.errors import ShapeError
from headstart.runtime.evaluation.metrics import (
    Spread,
    accuracy,
    auroc,
    average_precision,
    ci95,
    ece,
    false_accept_share,
    false_reject_share,
    macro_f1,
    spread,
)


def test_accuracy_is_the_share_of_right_answers() -> None:
    assert accuracy([0, 1, 1, 2], [0, 1, 2, 2]) == 0.75


def test_ci95_uses_the_samples_standard_deviation() -> None:
    # mean 0.5, squared deviations 4 × 0.01, so sd² = 0.04 / 3
    assert ci95([0.4, 0.6, 0.4, 0.6]) == pytest.approx(1.96 * math.sqrt(0.04 / 3) / 2)


def test_ci95_of_one_episode_is_not_a_number() -> None:
    assert math.isnan(ci95([0.8]))


def test_macro_f1_by_hand() -> None:
    # class 0: 2·1/(1+2), class 1: 2·1/(2+1), class 2: 2·1/(1+1)
    assert macro_f1([0, 1, 1, 2], [0, 0, 1, 2]) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_macro_f1_counts_a_class_that_was_only_predicted_as_zero() -> None:
    assert macro_f1([0, 3], [0, 0]) == pytest.approx((2 / 3 + 0) / 2)


def test_average_precision_by_hand() -> None:
    # class 0 stands at ranks 1 and 3 of its column, class 1 at ranks 1 and 4 of its own
    scores = [[0.9, 0.35], [0.8, 0.5], [0.7, 0.4], [0.1, 0.3]]
    expected = ((1 + 2 / 3) / 2 + (1 + 2 / 4) / 2) / 2
    assert average_precision(scores, [0, 1, 0, 1]) == pytest.approx(expected)


def test_equal_scores_are_one_step_of_average_precision() -> None:
    assert average_precision([[1.0, 0.0]] * 4, [0, 0, 0, 1]) == pytest.approx((3 / 4 + 1 / 4) / 2)


def test_a_score_of_minus_infinity_ranks_last() -> None:
    scores = [[-np.inf, 0.5], [0.5, -np.inf]]
    assert average_precision(scores, [1, 0]) == 1.0


def test_a_column_that_is_nobodys_truth_is_left_out() -> None:
    assert average_precision([[1.0, 0.0, 9.0], [0.0, 1.0, 9.0]], [0, 1]) == 1.0


def test_ece_by_hand() -> None:
    # Two queries at 0.9, one right: gap 0.4. One at 0.3, wrong: gap 0.3.
    assert ece([0.9, 0.9, 0.3], [True, False, False]) == pytest.approx((2 * 0.4 + 0.3) / 3)


def test_ece_pools_what_falls_into_one_bin() -> None:
    # (0.8, 0.866…] holds both: mean confidence 0.83, share right 0.5
    assert ece([0.81, 0.85], [1, 0]) == pytest.approx(0.33)


def test_the_ends_of_confidence_have_bins() -> None:
    assert ece([0.0, 1.0], [0, 1]) == 0.0
    assert ece([0.0, 1.0], [1, 0]) == 1.0


def test_auroc_counts_ties_half() -> None:
    # pairs: 3>1, 3>2, 2>1 count 1; 2=2 counts ½
    assert auroc([3, 2], [1, 2]) == 3.5 / 4


def test_auroc_accepts_infinite_scores() -> None:
    assert auroc([np.inf, 0.0], [-np.inf, -np.inf]) == 1.0


def test_false_shares() -> None:
    assert false_accept_share([True, False, False, False]) == 0.25
    assert false_reject_share([True, True, True, False]) == 0.25


def test_spread_gives_mean_median_and_ninetieth_percentile() -> None:
    values = np.arange(11) ** 2 / 100
    expected = Spread(mean=0.35, median=0.25, p90=0.81)
    assert asdict(spread(values)) == pytest.approx(asdict(expected))


@pytest.mark.parametrize("metric", [accuracy, macro_f1, ece])
def test_lengths_that_differ_are_refused(metric: object) -> None:
    with pytest.raises(ShapeError, match=r"\(2,\) and .* as \(1,\); expected \(queries,\) twice"):
        metric([0, 1], [0])  # type: ignore[operator]


@pytest.mark.parametrize("metric", [accuracy, macro_f1, ece, auroc])
def test_no_query_at_all_is_refused(metric: object) -> None:
    with pytest.raises(ShapeError, match="at least one"):
        metric([], [])  # type: ignore[operator]


@pytest.mark.parametrize("metric", [ci95, spread, false_accept_share, false_reject_share])
def test_an_empty_list_is_refused(metric: object) -> None:
    with pytest.raises(ShapeError, match="at least one number"):
        metric([])  # type: ignore[operator]


def test_nan_scores_are_refused() -> None:
    with pytest.raises(ShapeError, match="1 of them NaN"):
        auroc([1.0, math.nan], [0.0])
    with pytest.raises(ShapeError, match="scores hold NaN"):
        average_precision([[math.nan, 0.0]], [0])


def test_scores_that_do_not_fit_the_truth_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"scores came as \(2, 2\) with true classes \(3,\)"):
        average_precision([[0, 1], [1, 0]], [0, 1, 1])
    with pytest.raises(ShapeError, match="from 0 to 2; expected columns 0 to 1"):
        average_precision([[0, 1], [1, 0]], [0, 2])


@pytest.mark.parametrize("confidence", [1.5, -0.1, math.nan])
def test_confidences_outside_0_to_1_are_refused(confidence: float) -> None:
    with pytest.raises(ShapeError, match="expected probabilities in 0…1"):
        ece([0.5, confidence], [True, True])


@pytest.mark.parametrize("decimals", [1, 6], ids=["many ties", "hardly a tie"])
def test_a_second_implementation_agrees(decimals: int) -> None:
    reference = pytest.importorskip("sklearn.metrics", reason="pip install scikit-learn")
    rng = np.random.default_rng(3)
    truth = np.concatenate([np.arange(4), rng.integers(0, 4, 60)])
    scores = np.round(rng.normal(size=(64, 4)) + 1.5 * np.eye(4)[truth], decimals)
    predicted = scores.argmax(axis=1)
    one_hot = np.eye(4, dtype=int)[truth]
    best, known = scores.max(axis=1), truth < 2

    assert accuracy(predicted, truth) == reference.accuracy_score(truth, predicted)
    assert macro_f1(predicted, truth) == pytest.approx(
        reference.f1_score(truth, predicted, average="macro"), abs=1e-12
    )
    assert average_precision(scores, truth) == pytest.approx(
        reference.average_precision_score(one_hot, scores, average="macro"), abs=1e-12
    )
    assert auroc(best[known], best[~known]) == pytest.approx(
        reference.roc_auc_score(known, best), abs=1e-12
    )
