"""What most fitted heads are: one weight row and one bias for each class."""

from __future__ import annotations

from dataclasses import dataclass

from array_api_compat import array_namespace

from headstart.runtime.heads.arrays import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearHead:
    """A fitted head whose score is ``x·wᵀ + b``.

    Args:
        weights: ``(ways, dim)``.
        bias: ``(ways,)``.
    """

    weights: Array
    bias: Array

    def score(self, queries: Array) -> Array:
        """Score ``(queries, dim)`` against every class: ``(queries, ways)``, higher is closer."""
        xp = array_namespace(queries)
        return queries @ xp.matrix_transpose(self.weights) + self.bias[None, :]
