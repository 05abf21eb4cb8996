"""Do two versions of one encoder say the same? The gate between a model and the bundle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ArtifactError, ShapeError


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How closely a candidate follows its reference.

    Args:
        cosine: the smallest cosine between the two outputs of one item.
        mean_cosine: the mean over the items.
        max_error: the largest absolute difference of one number.
        scale: the reference's largest absolute number, to read ``max_error`` against.
        items: how many inputs were compared.
    """

    cosine: float
    mean_cosine: float
    max_error: float
    scale: float
    items: int

    def __str__(self) -> str:
        return (
            f"cosine {self.cosine:.7f}, max error {self.max_error:.1e} of {self.scale:.1f},"
            f" {self.items} inputs"
        )


def measure_parity(reference: NDArray[np.float32], candidate: NDArray[np.float32]) -> Parity:
    """Compare two outputs ``(batch, …)`` item by item.

    Raises:
        ShapeError: the shapes differ, or a number is not finite.
    """
    if reference.shape != candidate.shape or reference.size == 0:
        raise ShapeError(f"cannot compare {candidate.shape} with {reference.shape}: expected alike")
    # Double precision: at cosines this near 1, float32 sums would measure themselves.
    left = reference.reshape(len(reference), -1).astype(np.float64)
    right = candidate.reshape(len(candidate), -1).astype(np.float64)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ShapeError("one of the outputs holds NaN or infinity; expected finite numbers")
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    if not norms.all():
        raise ShapeError("one of the outputs is all zero, so it has no direction to compare")
    cosines = (left * right).sum(axis=1) / norms
    return Parity(
        cosine=float(cosines.min()),
        mean_cosine=float(cosines.mean()),
        max_error=float(np.abs(left - right).max()),
        scale=float(np.abs(left).max()),
        items=len(left),
    )


def require_parity(
    what: str, reference: NDArray[np.float32], candidate: NDArray[np.float32], *, cosine: float
) -> Parity:
    """Compare, and refuse a candidate below ``cosine``.

    Raises:
        ArtifactError: the candidate strays too far; ``what`` names it.
        ShapeError: the two cannot be compared.
    """
    parity = measure_parity(reference, candidate)
    if parity.cosine < cosine:
        raise ArtifactError(
            f"{what} does not follow its reference ({parity}); expected a cosine of at least"
            f" {cosine}: do not ship it"
        )
    return parity
