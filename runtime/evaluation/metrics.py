"""What an evaluation measures: pure functions from arrays to numbers.

Shares are 0…1. Classes are integers; ``(queries,)`` runs over all questions put to one or more
enrolments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headstart.runtime.errors import ShapeError

ECE_BINS = 15
"""As in On Calibration of Modern Neural Networks (Guo et al., 2017, arxiv.org/abs/1706.04599)."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How a number varies from episode to episode."""

    mean: float
    median: float
    p90: float


def accuracy(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Share of ``predicted`` ``(queries,)`` that equals ``truth`` ``(queries,)``.

    Raises:
        ShapeError: the two differ in length, or there is no query.
    """
    p, t = _pair("predictions", predicted, "true classes", truth)
    return float(np.mean(p == t))


def ci95(values: ArrayLike) -> float:
    """Half-width of the 95 % interval of the mean over ``values`` ``(episodes,)``: 1.96·sd/√n.

    The standard deviation is the sample's (n − 1). One episode says nothing about how episodes
    vary: the answer is NaN.

    Raises:
        ShapeError: there is no value.
    """
    v = _numbers("values", values)
    if v.size == 1:
        return float("nan")
    return float(1.96 * np.std(v, ddof=1) / np.sqrt(v.size))


def macro_f1(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Mean F1 over the classes that were there or were predicted.

    Raises:
        ShapeError: the two differ in length, or there is no query.
    """
    p, t = _pair("predictions", predicted, "true classes", truth)
    f1 = []
    for c in np.union1d(p, t):
        hits = np.sum((p == c) & (t == c))
        f1.append(2 * hits / (np.sum(p == c) + np.sum(t == c)))
    return float(np.mean(f1))


def average_precision(scores: ArrayLike, truth: ArrayLike) -> float:
    """Mean over classes of the average precision of one class against the rest.

    Args:
        scores: ``(queries, ways)``, higher is likelier; −∞ where a class cannot be compared.
        truth: ``(queries,)``, the true column of each query. Columns that are nobody's truth have
            no average precision and are left out.

    Returns:
        Σ (recall step × precision), equal scores taken as one step.

    Raises:
        ShapeError: shapes disagree, a score is NaN, or a true class has no column.
    """
    s = np.asarray(scores, dtype=np.float64)
    t = np.asarray(truth)
    if s.ndim != 2 or t.shape != s.shape[:1] or s.size == 0:
        raise ShapeError(
            f"scores came as {s.shape} with true classes {t.shape}; expected (queries, ways) and"
            " (queries,), at least one of each"
        )
    if np.isnan(s).any():
        raise ShapeError("scores hold NaN; expected a number for every query and class")
    if t.min() < 0 or t.max() >= s.shape[1]:
        raise ShapeError(
            f"true classes run from {t.min()} to {t.max()}; expected columns 0 to"
            f" {s.shape[1] - 1} of the scores"
        )
    return float(np.mean([_precision_of_one(s[:, c], t == c) for c in np.unique(t)]))


def ece(confidence: ArrayLike, correct: ArrayLike, bins: int = ECE_BINS) -> float:
    """Expected calibration error over ``bins`` equally wide bins ``(low, high]`` of confidence.

    Args:
        confidence: ``(queries,)``, the probability 0…1 given to the predicted class.
        correct: ``(queries,)``, whether that class was right.
        bins: how many.

    Raises:
        ShapeError: the two differ in length, there is no query, or a confidence leaves 0…1.
    """
    c, right = _pair("confidences", confidence, "answers", correct)
    if not ((c >= 0) & (c <= 1)).all():
        raise ShapeError(
            f"confidences run from {c.min()} to {c.max()}; expected probabilities in 0…1"
        )
    index = np.clip(np.ceil(c * bins).astype(np.int64) - 1, 0, bins - 1)
    gap = np.bincount(
        index, weights=right.astype(np.float64) - c.astype(np.float64), minlength=bins
    )
    return float(np.abs(gap).sum() / c.size)


def auroc(known: ArrayLike, unknown: ArrayLike) -> float:
    """Chance that a known query scores above an unknown one, equal scores counting half.

    The Mann–Whitney statistic, which is the area under the ROC curve. Scores may be infinite.

    Raises:
        ShapeError: either side is empty or holds NaN.
    """
    k, u = _numbers("known scores", known), _numbers("unknown scores", unknown)
    u = np.sort(u)
    below = np.searchsorted(u, k, side="left")
    not_above = np.searchsorted(u, k, side="right")
    return float((below.sum() + not_above.sum()) / (2.0 * k.size * u.size))


def false_accept_share(unknown_accepted: ArrayLike) -> float:
    """FAR of one episode: share of unknown queries ``(queries,)`` answered with some class.

    Raises:
        ShapeError: there is no query.
    """
    return float(np.mean(_numbers("unknown queries", unknown_accepted)))


def false_reject_share(known_accepted: ArrayLike) -> float:
    """FRR of one episode: share of known queries ``(queries,)`` answered "unknown".

    A known query answered with the wrong class is not counted here: it was accepted.

    Raises:
        ShapeError: there is no query.
    """
    return float(np.mean(1.0 - _numbers("known queries", known_accepted)))


def spread(values: ArrayLike) -> Spread:
    """Mean, median and 90 % quantile of one number an episode, ``(episodes,)``.

    Raises:
        ShapeError: there is no value.
    """
    v = _numbers("values", values)
    return Spread(
        mean=float(np.mean(v)), median=float(np.median(v)), p90=float(np.quantile(v, 0.9))
    )


def _precision_of_one(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    hits = np.cumsum(positive[order])
    # Only the last of equal scores is a threshold that one can set.
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), scores.size - 1)
    precision = hits[last] / (last + 1)
    return float(np.sum(np.diff(hits[last], prepend=0) * precision) / hits[-1])


def _numbers(what: str, values: ArrayLike) -> NDArray[np.float64]:
    v = np.asarray(values, dtype=np.float64)
    if v.ndim != 1 or v.size == 0 or np.isnan(v).any():
        raise ShapeError(
            f"{what} came as {v.shape}, {int(np.isnan(v).sum())} of them NaN; expected one"
            " dimension with at least one number and no NaN"
        )
    return v


def _pair(
    what: str, values: ArrayLike, other: str, others: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = np.asarray(values), np.asarray(others)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise ShapeError(
            f"{what} came as {a.shape} and {other} as {b.shape}; expected (queries,) twice, at"
            " least one query"
        )
    return a, b
