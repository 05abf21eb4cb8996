"""Ridge regression onto one-hot labels: closed form, and the best head from a few shots on.

Bertinetto, Henriques, Torr and Vedaldi: Meta-learning with differentiable closed-form solvers
(R2D2), 2019, https://arxiv.org/abs/1805.08136. The penalty comes from the learned initialization.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from headstart.runtime.heads.arrays import Array, balance
from headstart.runtime.heads.linear import LinearHead


def fit_ridge(
    x: Array, hot: Array, penalty: float | Array, gram: Array | None = None
) -> LinearHead:
    """Minimise ``Σ_i b_i·|y_i − W x_i|² + penalty·|W|²`` with class-balanced row weights ``b``.

    Args:
        x: support ``(rows, dim)`` of unit vectors.
        hot: one-hot labels ``(rows, ways)``, every class at least once.
        penalty: above 0, in units of squared vectors: 1 is one unit vector's worth.
        gram: ``x xᵀ`` ``(rows, rows)`` where it is known already.

    Returns:
        A linear head whose scores are near 1 for the right class and near 0 for others.
    """
    xp = array_namespace(x)
    root = xp.sqrt(balance(hot))[:, None]
    targets = root * hot
    if x.shape[0] <= x.shape[1]:
        inner = x @ xp.matrix_transpose(x) if gram is None else gram
        balanced = root * inner * xp.matrix_transpose(root)
        dual = xp.linalg.solve(_penalised(balanced, penalty), targets)
        weights = xp.matrix_transpose(root * dual) @ x
    else:
        rows = root * x
        transposed = xp.matrix_transpose(rows)
        primal = xp.linalg.solve(_penalised(transposed @ rows, penalty), transposed @ targets)
        weights = xp.matrix_transpose(primal)
    return LinearHead(weights=weights, bias=xp.zeros_like(weights[:, 0]))


def _penalised(gram: Array, penalty: float | Array) -> Array:
    xp = array_namespace(gram)
    eye = xp.eye(gram.shape[0], dtype=gram.dtype, device=gram.device)
    return gram + penalty * eye
