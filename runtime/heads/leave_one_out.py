"""What a head says about each support sample when it has not seen it: closed form, no refits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import balance, unit


def ridge_leave_one_out(
    x: NDArray[np.float32],
    hot: NDArray[np.float32],
    penalty: float,
    row_sample: NDArray[np.int64],
    first: NDArray[np.int64],
    asked: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Scores of `fit_ridge` for the samples ``asked``, each fitted without any of its rows.

    Block leave-one-out of kernel ridge regression: the residual of a left-out block is
    ``(G_bb)⁻¹ (G y)_b`` with ``G = (K + λI)⁻¹`` (Cook and Weisberg, Residuals and Influence in
    Regression, 1982). The class weights are kept as they were with the sample.

    Args:
        x: unit rows ``(rows, dim)``, sample after sample.
        hot: one-hot labels ``(rows, ways)``.
        penalty: as in `fit_ridge`.
        row_sample: which sample each row belongs to ``(rows,)``.
        first: first row of each sample ``(samples,)``; its score is the sample's.
        asked: positions of the samples to leave out, one at a time ``(asked,)``.

    Returns:
        Scores ``(asked, ways)``.
    """
    root = np.sqrt(balance(hot))
    rows, targets = root[:, None] * x, root[:, None] * hot
    if rows.shape[0] <= rows.shape[1]:
        inverse = np.linalg.inv(_penalised(rows @ rows.T, penalty))
        dual = inverse @ targets
    else:
        # Many rows: the same G through the smaller matrix, (I − X (XᵀX + λI)⁻¹ Xᵀ) / λ.
        inverse = np.linalg.inv(_penalised(rows.T @ rows, penalty))
        dual = (targets - rows @ (inverse @ (rows.T @ targets))) / penalty
    held_out = np.empty((asked.size, hot.shape[1]))
    sizes = np.bincount(row_sample)[asked]
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
    """Cosines of the samples ``asked`` to class means that do not hold them ``(asked, ways)``.

    A class whose only sample is left out scores −1: it would not be there.
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
