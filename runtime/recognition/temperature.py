"""How sharp a head's scores are: the inverse temperature that makes probabilities honest.

Guo et al.: On Calibration of Modern Neural Networks, 2017, https://arxiv.org/abs/1706.04599, with
leave-one-out scores of the support in place of a validation set and a prior from the bundle.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import log_sum_exp

PRIOR_SAMPLES = 10.0
"""How many support samples the bundle's temperature counts for."""

_GRID = np.exp(np.linspace(math.log(0.5), math.log(200.0), 49))

USUAL = {"ridge": (8.0, 8.0, 8.0), "prototype": (11.5, 13.3, 13.7)}
"""For 1, 2 and ≥ 3 shots, where a bundle says nothing: of ridge scores, and of prototype scores in
units of the gallery's class distance."""


def fit_temperature(
    held_out: NDArray[np.float64] | None, labels: NDArray[np.int64], prior: float
) -> float:
    """The inverse temperature for ``softmax(temperature · score)``.

    Args:
        held_out: leave-one-out scores ``(samples, ways)`` of the support's samples; None where
            there are none.
        labels: class of each ``(samples,)``.
        prior: from the bundle.

    Returns:
        The logarithmic mean of the prior and the value of lowest log-loss, weighted by samples.
    """
    if held_out is None or labels.size == 0:
        return prior
    logits = _GRID[:, None, None] * held_out[None, :, :]
    right = np.take_along_axis(logits, labels[None, :, None], axis=2)[:, :, 0]
    loss = (log_sum_exp(logits)[:, :, 0] - right).mean(axis=1)
    best = float(_GRID[int(loss.argmin())])
    weight = labels.size / (labels.size + PRIOR_SAMPLES)
    return math.exp(weight * math.log(best) + (1 - weight) * math.log(prior))
