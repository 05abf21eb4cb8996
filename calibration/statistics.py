"""The statistics that ship in a bundle: a stream's mean and its within-class whitening.

Pure functions from arrays to arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ShapeError

Vectors = NDArray[np.floating]


def unit(vectors: Vectors) -> NDArray[np.float64]:
    """Rows scaled to length 1; a zero row stays zero."""
    wide = np.asarray(vectors, np.float64)
    length = np.linalg.norm(wide, axis=-1, keepdims=True)
    return np.asarray(wide / np.where(length > 0, length, 1.0), np.float64)


def balanced_mean(groups: Sequence[Vectors]) -> NDArray[np.float64]:
    """The average of the groups' means, so that a large group does not pull the centre.

    Args:
        groups: each ``(vectors, dim)``, at least one vector.

    Returns:
        float64 ``(dim,)``.

    Raises:
        ShapeError: no group, an empty group, or different dimensions.
    """
    if not groups or any(g.ndim != 2 or len(g) == 0 for g in groups):
        raise ShapeError(
            f"the mean was asked of groups of shape {[g.shape for g in groups]}; expected at least"
            " one, each (vectors, dim) with a vector or more: check that every source gave items"
        )
    if len({g.shape[1] for g in groups}) > 1:
        raise ShapeError(
            f"groups have dimensions {[g.shape[1] for g in groups]}; expected one: they must come"
            " from the same encoder"
        )
    means = [np.asarray(group, np.float64).mean(axis=0) for group in groups]
    return np.asarray(np.mean(means, axis=0), np.float64)


def within_class_covariance(vectors: Vectors, labels: Sequence[str]) -> NDArray[np.float64]:
    """How members of a class differ from their class mean, pooled over classes.

    Classes with one member say nothing and are left out. The divisor is members less classes.

    Args:
        vectors: ``(vectors, dim)``.
        labels: one class name a vector.

    Returns:
        float64 ``(dim, dim)``, symmetric, positive semidefinite.

    Raises:
        ShapeError: labels do not fit, or no class has two members.
    """
    if vectors.ndim != 2 or len(labels) != len(vectors):
        raise ShapeError(
            f"{len(labels)} labels came with vectors {vectors.shape}; expected one label a row"
        )
    names, index = np.unique(np.asarray(labels, object).astype(str), return_inverse=True)
    counts = np.bincount(index, minlength=len(names))
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, index, np.asarray(vectors, np.float64))
    kept = counts[index] > 1
    freedom = int(kept.sum()) - int((counts > 1).sum())
    if freedom <= 0:
        raise ShapeError(
            "no class has two members; expected classes with several takes to see how much takes of"
            " one class differ"
        )
    residual = vectors[kept] - (sums / np.maximum(counts, 1)[:, None])[index[kept]]
    return np.asarray(residual.T @ residual / freedom, np.float64)


def whitening(covariance: NDArray[np.float64], shrinkage: float) -> NDArray[np.float64]:
    """``Σ^(−½)`` for ``Σ = (1 − a)·S + a·tr(S)/dim·I``, scaled so that ``a = 1`` gives ``I``.

    Directions in which takes of one class differ anyway count less. The scale is free, since what
    follows scales to unit length; this one keeps numbers near 1.

    Args:
        covariance: ``S``, ``(dim, dim)``, symmetric positive semidefinite.
        shrinkage: ``a``, above 0 and at most 1.

    Returns:
        float64 ``(dim, dim)``, symmetric.

    Raises:
        ShapeError: not such a matrix, or a shrinkage outside (0, 1].
    """
    square = covariance.ndim == 2 and covariance.shape[0] == covariance.shape[1]
    if not square or not 0 < shrinkage <= 1 or not np.isfinite(covariance).all():
        raise ShapeError(
            f"whitening was asked of {covariance.shape} with shrinkage {shrinkage}; expected a"
            " finite (dim, dim) and a shrinkage above 0, at most 1"
        )
    dim = len(covariance)
    scale = float(np.trace(covariance)) / dim
    if scale <= 0:
        raise ShapeError("the covariance is zero; expected classes whose takes differ")
    values, vectors = np.linalg.eigh(covariance / scale)
    shrunk = (1 - shrinkage) * np.maximum(values, 0) + shrinkage
    return np.asarray((vectors / np.sqrt(shrunk)) @ vectors.T, np.float64)
