"""One stream's calibrated space: centred, perhaps whitened, unit length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from array_api_compat import array_namespace

from headstart.runtime.heads.arrays import Array, unit

Pool = Literal["mean", "energy", "separate"]


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibratedSpace:
    """``z = n(W n(n(xᵖ) − weight·mean))``, where ``n`` scales to unit length.

    Args:
        mean: ``(dim,)``, of unit vectors of training data, never of what is evaluated: a mean over
            the test set flatters by points.
        mean_weight: 0…1.
        power: of the raw values, which are then clipped at 0; 1 leaves them as they are.
        whitening: ``W`` ``(dim, dim)`` or None for the identity.
        pool: how the views of one sample meet: ``mean`` averages raw vectors first, ``energy``
            averages unit vectors by weight, ``separate`` keeps every view (a support view is then
            a row of its own).
    """

    mean: Array
    mean_weight: float = 1.0
    power: float = 1.0
    whitening: Array | None = None
    pool: Pool = "separate"

    def project(self, raw: Array) -> Array:
        """Raw ``(rows, dim)`` → unit vectors ``(rows, dim)``."""
        xp = array_namespace(raw)
        if self.power != 1.0:
            # The inner choice keeps a root's infinite slope at 0 out of the gradient.
            positive = raw > 0
            safe = xp.where(positive, raw, xp.ones_like(raw))
            raw = xp.where(positive, safe**self.power, xp.zeros_like(raw))
        z = unit(unit(raw) - self.mean_weight * self.mean[None, :])
        if self.whitening is not None:
            z = unit(z @ xp.matrix_transpose(self.whitening))
        return z

    def points(self, vectors: Array, weights: Array) -> Array:
        """One sample's views ``(views, dim)`` → its points ``(points, dim)``, unit length.

        ``mean`` and ``energy`` give one point, ``separate`` one for each view.
        """
        xp = array_namespace(vectors)
        if self.pool == "separate":
            return self.project(vectors)
        share = (weights / xp.sum(weights))[:, None]
        if self.pool == "mean":
            return self.project(xp.sum(share * vectors, axis=0, keepdims=True))
        return unit(xp.sum(share * self.project(vectors), axis=0, keepdims=True))
