"""Choose and fit a head: from support rows to something that scores queries."""

from __future__ import annotations

from typing import Literal, Protocol

from headstart.runtime.errors import ConfigError
from headstart.runtime.heads.arrays import Array
from headstart.runtime.heads.gradient import fit_gradient
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.heads.lda import fit_lda
from headstart.runtime.heads.prototype import Metric, fit_prototypes
from headstart.runtime.heads.ridge import fit_ridge

Method = Literal["prototype", "ridge", "lda", "gradient"]
METRICS: tuple[Metric, ...] = ("cosine", "euclidean", "manhattan", "learned")
HEADS = (
    "auto",
    "prototype",
    *(f"prototype:{metric}" for metric in METRICS[1:]),
    "ridge",
    "lda",
    "gradient",
)
"""What ``--head`` takes; plain ``prototype`` is cosine."""


class FittedHead(Protocol):
    """Scores queries against every class."""

    def score(self, queries: Array) -> Array:
        """``(queries, dim)`` → ``(queries, ways)``, higher is closer."""
        ...


def check_head(name: str) -> str:
    """Return ``name`` if it names a head.

    Raises:
        ConfigError: it does not.
    """
    if name not in HEADS:
        raise ConfigError(f"there is no head {name!r}; expected one of: {', '.join(HEADS)}")
    return name


def choose_method(name: str, rows: int, ways: int) -> str:
    """Turn ``auto`` into a method.

    With one row for each class there is nothing to regress on, and prototypes are at least as good;
    from the second row on ridge was ahead on every set and shot count that was measured, so that no
    vote between the two, which would itself err on few samples, is needed.
    """
    if name != "auto":
        return name
    return "ridge" if rows > ways else "prototype"


def adapt(
    method: str,
    x: Array,
    hot: Array,
    start: LearnedInitialization,
    *,
    metric: Array | None = None,
    covariance: Array | None = None,
    gram: Array | None = None,
) -> FittedHead:
    """Fit the head called ``method`` (not ``auto``) from its learned initialization.

    Args:
        method: one of ``HEADS`` except ``auto``.
        x: support rows ``(rows, dim)`` of unit vectors.
        hot: one-hot labels ``(rows, ways)``.
        start: the bundle's learned initialization.
        metric: the learned metric's matrix for this space, if there is one.
        covariance: the bundle's within-class covariance for this space, if there is one.
        gram: ``x xᵀ`` where it is known already; only ridge uses it.

    Raises:
        ConfigError: no such head, or the bundle does not hold what it needs.
    """
    name, _, variant = method.partition(":")
    if name == "ridge":
        return fit_ridge(x, hot, start.ridge_penalty, gram)
    if name == "lda":
        return fit_lda(x, hot, covariance, start.lda_prior_rows)
    if name == "gradient":
        return fit_gradient(x, hot, start.gradient_scale, start.gradient_steps)
    chosen = next((m for m in METRICS if m == (variant or "cosine")), None)
    if name != "prototype" or chosen is None:
        raise ConfigError(f"there is no head {method!r}; expected one of: {', '.join(HEADS)}")
    return fit_prototypes(x, hot, chosen, metric)
