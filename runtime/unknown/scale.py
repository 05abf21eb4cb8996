"""How close a query is to each class, on the gallery's own scale.

A cosine of 0.7 means a lot among sounds and nothing among products on a shelf. Measured in units of
the distance between the enrolled classes, the same numbers mean the same on every encoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.fusion.late import FusedRows
from headstart.runtime.heads.arrays import class_means, one_hot, unit

TIGHTNESS_WEIGHT = 0.4
"""How much of a class's own tightness is taken off: a loose class must not win by being loose."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GalleryScale:
    """Fitted closeness.

    Args:
        prototypes: unit class means ``(ways, dim)``.
        rows: the support's rows ``(rows, dim)``, class after class.
        starts: first row of each class ``(ways,)``.
        distance: usual cosine distance between two enrolled classes, above 0: the unit.
        handicap: ``(ways,)`` taken off each class's closeness.
        own: closeness of each sample to the other looks of its class ``(samples,)``; NaN where a
            class has one look.
    """

    prototypes: NDArray[np.float32]
    rows: NDArray[np.float32]
    starts: NDArray[np.int64]
    distance: float
    handicap: NDArray[np.float64]
    own: NDArray[np.float64]

    def closeness(self, queries: NDArray[np.float32]) -> NDArray[np.float64]:
        """Unit vectors ``(queries, dim)`` → ``(queries, ways)``; 0 is identical, −1 another class.

        Half of it is the cosine to the class mean, half the cosine to the nearest support row.
        """
        mean = queries @ self.prototypes.T
        nearest = np.maximum.reduceat(queries @ self.rows.T, self.starts, axis=1)
        both = 0.5 * mean.astype(np.float64) + 0.5 * nearest
        return np.asarray((both - 1.0) / self.distance - self.handicap[None, :])


def fit_scale(
    support: FusedRows,
    labels: NDArray[np.int64],
    sample_looks: NDArray[np.int64],
    background: NDArray[np.float32],
    usual_distance: float,
) -> GalleryScale:
    """Measure the gallery.

    Args:
        support: the samples in the fused space.
        labels: class of each sample ``(samples,)``, from 0 without gaps.
        sample_looks: look each sample belongs to ``(samples,)``, from 0, rising without gaps, each
            of one class: samples of one burst say nothing about how a class varies.
        background: one unit vector for each background sample ``(background, dim)``, may be empty.
        usual_distance: from the bundle; used where there is nothing to measure (one class, no
            background).
    """
    ways = int(labels.max()) + 1
    row_labels = labels[support.row_sample]
    hot = one_hot(row_labels, ways, support.rows)
    prototypes = unit(class_means(support.rows, hot))
    looks = support.looks
    apart = [_mean_cross_cosine(looks, labels, prototypes)] if ways > 1 else []
    if background.shape[0]:
        apart.append(float((background @ prototypes.T).mean()))
    distance = max(1.0 - float(np.mean(apart)), 0.05) if apart else usual_distance
    own = _leave_one_out(support, labels, sample_looks, hot)
    own = (own - 1.0) / distance
    order = np.argsort(row_labels, kind="stable")
    return GalleryScale(
        prototypes=prototypes,
        rows=support.rows[order],
        starts=np.searchsorted(row_labels[order], np.arange(ways)),
        distance=distance,
        handicap=_handicap(own, labels, ways),
        own=own,
    )


def _mean_cross_cosine(
    looks: NDArray[np.float32], labels: NDArray[np.int64], prototypes: NDArray[np.float32]
) -> float:
    """Mean cosine of each sample to the means of the other classes, without all pairs at once."""
    everything = looks.sum(axis=0, dtype=np.float64) @ prototypes.sum(axis=0, dtype=np.float64)
    own = np.sum(looks * prototypes[labels], dtype=np.float64)
    return float((everything - own) / (labels.size * (prototypes.shape[0] - 1)))


def _leave_one_out(
    support: FusedRows,
    labels: NDArray[np.int64],
    sample_looks: NDArray[np.int64],
    hot: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Cosine of each sample to the mean of its class's other looks; NaN where there are none."""
    class_sums = hot.T @ support.rows
    _, begins = np.unique(sample_looks, return_index=True)
    look_sums = np.add.reduceat(support.rows, support.first[begins], axis=0)
    rest = unit(class_sums[labels] - look_sums[sample_looks])
    own: NDArray[np.float64] = np.sum(rest * support.looks, axis=1).astype(np.float64)
    alone = np.bincount(labels[begins])[labels] == 1
    own[alone] = np.nan
    return own


def _handicap(
    own: NDArray[np.float64], labels: NDArray[np.int64], ways: int
) -> NDArray[np.float64]:
    """Half the class's own tightness, half everybody's; classes with one sample take the latter."""
    known = np.isfinite(own)
    if not known.any():
        return np.zeros(ways)
    counts = np.bincount(labels[known], minlength=ways)
    sums = np.bincount(labels[known], own[known], minlength=ways)
    tightness = np.divide(sums, counts, out=np.full(ways, np.nan), where=counts > 0)
    everybody = float(np.nanmean(tightness))
    tightness = np.where(counts > 0, tightness, everybody)
    return TIGHTNESS_WEIGHT * (0.5 * tightness + 0.5 * everybody)
