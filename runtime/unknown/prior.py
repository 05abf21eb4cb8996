"""What impostor scores look like before anything was enrolled: the meta-learned prior."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.unknown.threshold import ThresholdPrior

WIDE_PRIOR = np.array(
    [
        # shots, things, 1, ln ways, cross deviation, tightness, several, deviation, strengths
        [1, 0, -1.085, 0.103, 0.511, 0.0, 0.0, 0.198, 2, 16],
        [2, 0, -0.431, 0.096, 0.480, -0.095, -0.431, 0.195, 8, 16],
        [3, 0, -0.450, 0.099, 0.377, -0.130, -0.450, 0.203, 8, 16],
        [1, 2, -0.477, 0.063, 0.402, 0.0, 0.0, 0.161, 8, 4],
        [3, 2, -0.237, 0.065, 0.595, -0.404, -0.237, 0.169, 8, 8],
        [1, 20, -0.583, 0.080, 0.265, 0.0, 0.0, 0.141, 8, 8],
        [3, 20, -0.261, 0.081, 0.328, -0.335, -0.261, 0.148, 4, 16],
    ]
)
"""Fitted on narrow pools of emoji drawings (same category), 2–20 classes, and expressed in units of
the gallery's own class distance, where it carried over to photos, sounds and words. Used when the
bundle ships none of its own."""


def choose_prior(
    table: NDArray[np.float64],
    *,
    ways: int,
    shots: float,
    things: int,
    cross_deviation: float,
    tightness: float,
) -> ThresholdPrior:
    """The prior of the table's nearest cell for this gallery.

    Args:
        table: rows as in ``WIDE_PRIOR``; empty means ``WIDE_PRIOR``.
        ways: enrolled classes.
        shots: typical number of samples of a class.
        things: distinct background things.
        cross_deviation: standard deviation of closeness between different classes.
        tightness: mean own leave-one-out closeness; 0 where every class has one sample.
    """
    table = table if table.size else WIDE_PRIOR
    want = np.array([min(shots, 3.0), math.log1p(min(things, 20))])
    have = np.stack([table[:, 0], np.log1p(table[:, 1])], axis=1)
    cell = table[int(np.abs(have - want[None, :]).sum(1).argmin())]
    several = 1.0 if shots > 1 else 0.0
    features = np.array(
        [1.0, math.log(max(ways, 1)), cross_deviation, tightness * several, several]
    )
    return ThresholdPrior(
        mean=float(features @ cell[2:7]),
        deviation=float(cell[7]),
        mean_strength=float(cell[8]),
        deviation_strength=float(cell[9]),
    )
