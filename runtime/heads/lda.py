"""Linear discriminant analysis with a covariance that few samples alone could never give.

Fisher 1936; shrinkage towards a prior covariance as in Friedman: Regularized Discriminant
Analysis, 1989. A handful of samples says little about how a thing varies, so most of the
within-class covariance comes from the bundle.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from headstart.runtime.heads.arrays import Array, class_means
from headstart.runtime.heads.linear import LinearHead


def fit_lda(
    x: Array, hot: Array, covariance: Array | None, prior_rows: float | Array
) -> LinearHead:
    """Fit equal-prior LDA.

    Args:
        x: support ``(rows, dim)``.
        hot: one-hot labels ``(rows, ways)``, every class at least once.
        covariance: the bundle's within-class covariance ``(dim, dim)``, positive definite; None
            means the identity scaled to the support's own variance.
        prior_rows: above 0: how many samples the bundle's covariance counts for beside the
            support's own.

    Returns:
        A linear head; scores are log-likelihoods up to a term that all classes share.
    """
    xp = array_namespace(x)
    means = class_means(x, hot)
    spread = x - hot @ means
    scatter = xp.matrix_transpose(spread) @ spread
    dim = x.shape[1]
    if covariance is None:
        centred = x - xp.mean(x, axis=0, keepdims=True)
        variance = xp.sum(centred * centred) / (dim * x.shape[0]) + 1e-6
        covariance = variance * xp.eye(dim, dtype=x.dtype, device=x.device)
    freedom = x.shape[0] - hot.shape[1]
    shared = (scatter + prior_rows * covariance) / (freedom + prior_rows)
    weights = xp.matrix_transpose(xp.linalg.solve(shared, xp.matrix_transpose(means)))
    return LinearHead(weights=weights, bias=-0.5 * xp.sum(weights * means, axis=-1))
