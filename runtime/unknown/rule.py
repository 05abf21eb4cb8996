"""The unknown rule: a score relative to gallery and background, and a threshold for a budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.unknown.prior import choose_prior
from headstart.runtime.unknown.scale import GalleryScale
from headstart.runtime.unknown.student import expected_maximum
from headstart.runtime.unknown.threshold import FLAT_FROM_GROUPS, predictive_threshold

BACKGROUND_WEIGHT = 0.5
NEAREST_BACKGROUND = 5
IMPOSTORS_AT_MOST = 500
"""Enrolled samples that are scored as impostors, evenly picked: more do not move the threshold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Background:
    """Things of the site that nothing enrolled stands for.

    Args:
        looks: unit vectors ``(samples, dim)``.
        things: which distinct thing each shows ``(samples,)``: samples of one thing count once.
    """

    looks: NDArray[np.float32]
    things: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class UnknownRule:
    """Fitted rule: known if ``max closeness − background pull`` is above the threshold.

    Args:
        scale: the gallery's scale.
        background: may be empty.
        threshold: in the scale's units.
        asked: the false-accept share it was fitted for.
        calibrated: False where there is too little to promise a share: one or two classes and
            fewer than three background things.
    """

    scale: GalleryScale
    background: Background
    threshold: float
    asked: float
    calibrated: bool

    def score(
        self, queries: NDArray[np.float32], closeness: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """How clearly each query is one of the enrolled ``(queries,)``, from its closeness."""
        return np.asarray(closeness.max(axis=1) - _pull(queries, self.background, self.scale))


def fit_unknown_rule(
    scale: GalleryScale,
    looks: NDArray[np.float32],
    labels: NDArray[np.int64],
    shots: float,
    background: Background,
    false_accept_share: float,
    prior_table: NDArray[np.float64],
) -> UnknownRule:
    """Choose the threshold that keeps ``false_accept_share`` for the next unseen thing.

    Args:
        scale: of the same support.
        looks: one unit vector for each support sample ``(samples, dim)``.
        labels: class of each ``(samples,)``.
        shots: independent looks that a class typically has.
        background: of the site; its things must be neither enrolled nor expected.
        false_accept_share: asked share of unknown samples that may be accepted, above 0, below 1.
        prior_table: from the bundle; empty uses the built-in one.
    """
    ways = scale.prototypes.shape[0]
    things = np.unique(background.things).size
    cross, own_scores, own_groups = _enrolled_impostors(scale, looks, labels, background)
    deviation = float(cross.std()) if cross.size else 0.0
    if own_scores.size:
        # Each saw one class fewer than a query will: the maximum over more is a little higher.
        own_scores = own_scores + deviation * (expected_maximum(ways) - expected_maximum(ways - 1))
    scores, groups = own_scores, own_groups
    if things:
        closeness = scale.closeness(background.looks).max(axis=1)
        pull = _pull(background.looks, background, scale, same_thing=background.things)
        scores = np.concatenate([scores, closeness - pull])
        groups = np.concatenate([groups, ways + background.things])
    calibrated = ways > 2 or things >= 3
    share = false_accept_share if calibrated else false_accept_share / 5
    prior = choose_prior(
        prior_table,
        ways=ways,
        shots=shots,
        things=things,
        cross_deviation=deviation,
        tightness=float(np.nanmean(scale.own)) if np.isfinite(scale.own).any() else 0.0,
    )
    threshold = predictive_threshold(
        scores, groups, share, None if things >= FLAT_FROM_GROUPS else prior
    )
    return UnknownRule(
        scale=scale,
        background=background,
        threshold=threshold,
        asked=false_accept_share,
        calibrated=calibrated,
    )


def _enrolled_impostors(
    scale: GalleryScale,
    looks: NDArray[np.float32],
    labels: NDArray[np.int64],
    background: Background,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Each enrolled sample against the other classes: all closenesses, best scores, groups."""
    ways = scale.prototypes.shape[0]
    if ways < 2:
        return np.empty(0), np.empty(0), np.empty(0, np.int64)
    # Class after class, so that even steps reach every class whatever the order of enrolment.
    picked = np.argsort(labels, kind="stable")[:: -(-labels.size // IMPOSTORS_AT_MOST)]
    looks, labels = looks[picked], labels[picked]
    closeness = scale.closeness(looks)
    other = labels[:, None] != np.arange(ways)[None, :]
    best = np.where(other, closeness, -np.inf).max(axis=1)
    return closeness[other], best - _pull(looks, background, scale), labels


def _pull(
    queries: NDArray[np.float32],
    background: Background,
    scale: GalleryScale,
    same_thing: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Half the mean closeness to the nearest background samples ``(queries,)``; 0 without any.

    Background samples are scored against *other* things only (``same_thing`` names theirs):
    compared with themselves they would look far less like the enrolled than a stranger does.
    """
    if background.looks.shape[0] == 0:
        return np.zeros(queries.shape[0])
    near = ((queries @ background.looks.T).astype(np.float64) - 1.0) / scale.distance
    if same_thing is not None:
        near = np.where(same_thing[:, None] == background.things[None, :], -np.inf, near)
    kept = min(NEAREST_BACKGROUND, near.shape[1])
    nearest = np.partition(near, -kept, axis=1)[:, -kept:]
    finite = np.isfinite(nearest)
    mean = np.where(finite, nearest, 0.0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
    # A single background thing has no other to be compared with: as far as another class.
    return BACKGROUND_WEIGHT * np.where(finite.any(axis=1), mean, -1.0)
