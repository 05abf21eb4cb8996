"""Two small distributions that the threshold needs and the standard library does not have."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

_NORMAL = NormalDist()


def student_quantile(probability: float, freedom: float) -> float:
    """Quantile of Student's t with real ``freedom`` ≥ 1, ``probability`` in 0…1.

    Hill: Algorithm 396, Student's t-quantiles, 1970, refined by Newton steps on the exact CDF.
    """
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -student_quantile(1.0 - probability, freedom)
    z = _NORMAL.inv_cdf(probability)
    # Cornish–Fisher start, then Newton: the CDF is exact, so the start only has to be near.
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    for _ in range(60):
        step = (_student_cdf(t, freedom) - probability) / _student_density(t, freedom)
        t -= max(-1.0 - abs(t) / 2, min(1.0 + abs(t) / 2, step))
        if abs(step) < 1e-10 * (1.0 + abs(t)):
            break
    return t


def _student_density(t: float, freedom: float) -> float:
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    log -= 0.5 * math.log(freedom * math.pi) + (freedom + 1) / 2 * math.log1p(t * t / freedom)
    return math.exp(log)


def _student_cdf(t: float, freedom: float) -> float:
    """``0.5 + ∫₀ᵗ density``, with ``t = √ν·tan θ``: the integrand becomes a power of a cosine."""
    angle = math.atan(t / math.sqrt(freedom))
    nodes, weights = _legendre()
    theta = 0.5 * angle * (nodes + 1.0)
    integral = 0.5 * angle * float(weights @ np.cos(theta) ** (freedom - 1.0))
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(math.pi)
    return 0.5 + math.exp(log) * integral


@lru_cache(maxsize=1)
def _legendre() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(96)


@lru_cache(maxsize=4096)
def expected_maximum(count: int) -> float:
    """Expected largest of ``count`` standard normal values: 0, 0.564, 0.846, 1.029, …"""
    if count <= 1:
        return 0.0
    x = np.linspace(-9.0, 9.0, 3601)
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    below = np.clip(np.cumsum(density) * (x[1] - x[0]) - 0.5 * density * (x[1] - x[0]), 0.0, 1.0)
    return float(np.sum(x * count * density * below ** (count - 1)) * (x[1] - x[0]))
