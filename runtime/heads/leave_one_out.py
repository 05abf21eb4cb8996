"""What a head says about each look in the support when it has not seen it, without refits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import balance, unit


def ridge_leave_one_out(
    x: NDArray[np.float32],
    hot: NDArray[np.float32],
    penalty: float,
    row_look: NDArray[np.int64],
    first: NDArray[np.int64],
    asked: NDArray[np.int64],
    gram: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Scores of `fit_ridge` for the looks ``asked``, each fitted without any of its rows.

    Block leave-one-out of kernel ridge regression: the residual of a left-out block is
    ``(G_bb)⁻¹ (G y)_b`` with ``G = (K + λI)⁻¹`` (Cook and Weisberg, Residuals and Influence in
    Regression, 1982). The class weights are kept as they were with the sample.

    Args:
        x: unit rows ``(rows, dim)``, look after look.
        hot: one-hot labels ``(rows, ways)``.
        penalty: as in `fit_ridge`.
        row_look: which look (a sample, or a burst of them) each row belongs to ``(rows,)``, rising.
        first: first row of each look ``(looks,)``; its score is the look's.
        asked: positions of the looks to leave out, one at a time ``(asked,)``.
        gram: ``x xᵀ`` where it is known already.

    Returns:
        Scores ``(asked, ways)``.
    """
    root = np.sqrt(balance(hot))
    rows, targets = root[:, None] * x, root[:, None] * hot
    if rows.shape[0] <= rows.shape[1]:
        inner = rows @ rows.T if gram is None else root[:, None] * gram * root[None, :]
        inverse = np.linalg.inv(_penalised(inner, penalty))
        dual = inverse @ targets
    else:
        # Many rows: the same G through the smaller matrix, (I − X (XᵀX + λI)⁻¹ Xᵀ) / λ.
        inverse = np.linalg.inv(_penalised(rows.T @ rows, penalty))
        dual = (targets - rows @ (inverse @ (rows.T @ targets))) / penalty
    held_out = np.empty((asked.size, hot.shape[1]))
    sizes = np.bincount(row_look)[asked]
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        at = first[asked[which]]
        block = at[:, None] + np.arange(size)[None, :]
        if rows.shape[0] <= rows.shape[1]:
            own = inverse[block[:, :, None], block[:, None, :]]
        else:
            part = rows[block].astype(np.float64)
            own = (np.eye(size) - (part @ inverse) @ np.swapaxes(part, 1, 2)) / penalty
        residual = np.linalg.solve(own, dual[block])
        held_out[which] = (targets[at] - residual[:, 0]) / root[at][:, None]
    return held_out


def _penalised(gram: NDArray[np.float32], penalty: float) -> NDArray[np.float64]:
    return gram + penalty * np.eye(gram.shape[0])


def prototype_leave_one_out(
    x: NDArray[np.float32],
    hot: NDArray[np.float32],
    first: NDArray[np.int64],
    asked: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Cosines of the looks ``asked`` to class means that do not hold them ``(asked, ways)``.

    A class whose only look is left out scores −1: it would not be there. Arguments as in
    `ridge_leave_one_out`.
    """
    sums = hot.T @ x
    every = hot[first].argmax(axis=1)
    labels, looks = every[asked], x[first[asked]]
    own_rows = np.add.reduceat(x, first, axis=0)[asked]
    scores = np.asarray(looks @ unit(sums).T, np.float64)
    rest = unit(sums[labels] - own_rows)
    own = np.sum(rest * looks, axis=1)
    alone = np.bincount(every, minlength=hot.shape[1])[labels] == 1
    scores[np.arange(labels.size), labels] = np.where(alone, -1.0, own)
    return scores
