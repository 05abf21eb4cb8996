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
) -> NDArray[np.float64]:
    """Scores of `fit_ridge` for every sample, fitted without any of its rows.

    Block leave-one-out of kernel ridge regression: the residual of a left-out block is
    ``(G_bb)⁻¹ (G y)_b`` with ``G = (K + λI)⁻¹`` (Cook and Weisberg, Residuals and Influence in
    Regression, 1982). The class weights are kept as they were with the sample.

    Args:
        x: unit rows ``(rows, dim)``, sample after sample.
        hot: one-hot labels ``(rows, ways)``.
        penalty: as in `fit_ridge`.
        row_sample: which sample each row belongs to ``(rows,)``.
        first: first row of each sample ``(samples,)``; its score is the sample's.

    Returns:
        Scores ``(samples, ways)``.
    """
    root = np.sqrt(balance(hot))
    rows, targets = root[:, None] * x, root[:, None] * hot
    gram = (rows @ rows.T).astype(np.float64)
    gram[np.diag_indices_from(gram)] += penalty
    inverse = np.linalg.inv(gram)
    dual = inverse @ targets
    held_out = np.empty((first.size, hot.shape[1]))
    sizes = np.bincount(row_sample)
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        block = first[which][:, None] + np.arange(size)[None, :]
        residual = np.linalg.solve(inverse[block[:, :, None], block[:, None, :]], dual[block])
        at = first[which]
        held_out[which] = (targets[at] - residual[:, 0]) / root[at][:, None]
    return held_out


def prototype_leave_one_out(
    x: NDArray[np.float32],
    hot: NDArray[np.float32],
    row_sample: NDArray[np.int64],
    first: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Cosines to class means that do not hold the sample ``(samples, ways)``.

    A class whose only sample is left out scores −1: it would not be there.
    """
    sums = hot.T @ x
    labels = hot[first].argmax(axis=1)
    own_rows = np.add.reduceat(x, first, axis=0)
    looks = x[first]
    scores = np.asarray(looks @ unit(sums).T, np.float64)
    rest = unit(sums[labels] - own_rows)
    own = np.sum(rest * looks, axis=1)
    alone = np.bincount(labels, minlength=hot.shape[1])[labels] == 1
    scores[np.arange(labels.size), labels] = np.where(alone, -1.0, own)
    return scores
