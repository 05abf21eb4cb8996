"""Prototypical heads: a class is the mean of its samples, a query belongs to the nearest mean.

Snell, Swersky and Zemel: Prototypical Networks for Few-shot Learning, 2017,
https://arxiv.org/abs/1703.05175.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from array_api_compat import array_namespace

from headstart.runtime.errors import ConfigError
from headstart.runtime.heads.arrays import Array, class_means, unit
from headstart.runtime.heads.linear import LinearHead

Metric = Literal["cosine", "euclidean", "manhattan", "learned"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ManhattanHead:
    """The one prototype head that is not linear: score is ``−Σ|x − p|``.

    Args:
        prototypes: ``(ways, dim)``.
    """

    prototypes: Array

    def score(self, queries: Array) -> Array:
        """Score ``(queries, dim)`` against every class: ``(queries, ways)``, 0 is identical."""
        xp = array_namespace(queries)
        # One class at a time: the full (queries, ways, dim) difference would not fit in memory.
        columns = [xp.sum(xp.abs(queries - p[None, :]), axis=-1) for p in self.prototypes]
        return -xp.stack(columns, axis=-1)


def fit_prototypes(
    x: Array, hot: Array, metric: Metric = "cosine", transform: Array | None = None
) -> LinearHead | ManhattanHead:
    """Fit class means.

    Args:
        x: support ``(rows, dim)``.
        hot: one-hot labels ``(rows, ways)``, every class at least once.
        metric: ``cosine`` scores −1…1; ``euclidean`` is ``−|x − p|²`` without the term that is the
            same for every class; ``manhattan`` is ``−Σ|x − p|``; ``learned`` is Euclidean after
            ``transform``, that is a Mahalanobis distance.
        transform: ``(out, dim)`` of the learned metric, from the learned initialization.

    Raises:
        ConfigError: ``learned`` without a transform.
    """
    xp = array_namespace(x)
    means = class_means(x, hot)
    if metric == "manhattan":
        return ManhattanHead(prototypes=means)
    if metric == "cosine":
        prototypes = unit(means)
        return LinearHead(weights=prototypes, bias=xp.zeros_like(prototypes[:, 0]))
    if metric == "euclidean":
        return _euclidean(means, means)
    if transform is None:
        raise ConfigError(
            "the learned metric was asked for, but this bundle ships none; expected a matrix"
            " '<stream>.metric' in its head file: choose cosine, euclidean or manhattan"
        )
    projected = means @ xp.matrix_transpose(transform)
    return _euclidean(projected, projected @ transform)


def _euclidean(means: Array, rows: Array) -> LinearHead:
    """``−|x − m|² = 2·x·m − |m|² − |x|²``, and ``|x|²`` is the same for every class."""
    xp = array_namespace(means)
    return LinearHead(weights=2.0 * rows, bias=-xp.sum(means * means, axis=-1))
