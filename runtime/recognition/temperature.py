"""How sharp a head's scores are: the inverse temperature that makes probabilities honest.

Guo et al.: On Calibration of Modern Neural Networks, 2017, https://arxiv.org/abs/1706.04599, with
leave-one-out scores of the support in place of a validation set and a prior from the bundle.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import softmax

PRIOR_SAMPLES = 10.0
"""How many support samples the bundle's temperature counts for."""

LOWEST, HIGHEST = 0.5, 200.0
_HALVINGS = 12
_FLAT = 1e-14
"""A slope this small is none: where all samples are right, sharper than certain gains nothing."""

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
        The logarithmic mean of the prior and the value of lowest log-loss between ``LOWEST`` and
        ``HIGHEST``, weighted by samples.
    """
    if held_out is None or labels.size == 0:
        return prior
    right = held_out[np.arange(labels.size), labels].mean() - _FLAT
    low, high = math.log(LOWEST), math.log(HIGHEST)
    # The log-loss is convex in the temperature: halve towards where its slope changes sign.
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        expected = (softmax(math.exp(middle) * held_out) * held_out).sum(axis=1).mean()
        low, high = (low, middle) if expected >= right else (middle, high)
    weight = labels.size / (labels.size + PRIOR_SAMPLES)
    return math.exp(weight * (low + high) / 2 + (1 - weight) * math.log(prior))
