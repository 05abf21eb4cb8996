"""Where to draw the line between known and unknown, from few groups of impostors.

A group is one *thing* seen as an impostor: an enrolled class scored against the other classes, or
one distinct thing of the site's background. Samples of one thing resemble each other, so things
are counted, not samples: twenty photos of twenty things say more than sixty of six.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.unknown.student import student_quantile

FLAT_FROM_GROUPS = 20
"""From this many background things on, the site speaks for itself and the prior is left out."""


@dataclass(frozen=True, kw_only=True)
class ThresholdPrior:
    """Normal-inverse-gamma prior over impostor scores, meta-learned offline.

    Args:
        mean: expected impostor score.
        deviation: expected standard deviation of impostor scores, above 0.
        mean_strength: how many groups the prior mean counts for, above 0.
        deviation_strength: how many groups the prior deviation counts for, above 0.
    """

    mean: float
    deviation: float
    mean_strength: float
    deviation_strength: float


def predictive_threshold(
    scores: NDArray[np.float64],
    groups: NDArray[np.int64],
    false_accept_share: float,
    prior: ThresholdPrior | None,
) -> float:
    """The score that the next *unseen* thing exceeds with probability ``false_accept_share``.

    A Student-t predictive quantile (Gelman et al., Bayesian Data Analysis, section 3.3): with few
    groups its tail is wide, as it should be.

    Args:
        scores: impostor scores ``(impostors,)``; may be empty if there is a prior.
        groups: the thing each score belongs to ``(impostors,)``.
        false_accept_share: asked share, between 0 and 1 exclusive.
        prior: None uses the groups alone and needs at least three.

    Returns:
        The threshold; +∞ (answer unknown to everything) where the data cannot support any.
    """
    things, thing = np.unique(groups, return_inverse=True)
    count = things.size
    sizes = np.bincount(thing)
    mean = float((np.bincount(thing, scores) / sizes).mean()) if count else 0.0
    spread = np.bincount(thing, np.square(scores - mean)) / sizes
    variance = count / (count - 1) * float(spread.mean()) if count > 1 else 0.0
    if prior is None:
        if count < 3:
            return math.inf
        quantile = student_quantile(1 - false_accept_share, count - 1)
        return mean + quantile * math.sqrt(variance * (1 + 1 / count))
    strength = prior.mean_strength + count
    freedom = prior.deviation_strength + count
    centre = (prior.mean_strength * prior.mean + count * mean) / strength
    shift = prior.mean_strength * count / strength * (mean - prior.mean) ** 2
    scatter = prior.deviation_strength * prior.deviation**2 + max(0, count - 1) * variance + shift
    scale = math.sqrt(scatter / freedom * (1 + 1 / strength))
    return centre + student_quantile(1 - false_accept_share, freedom) * scale
