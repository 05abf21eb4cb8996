"""Repeated timings and their spread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Median and quartiles of repeated measurements, in one unit.

    Args:
        median: half of the measurements lie below.
        p25: a quarter lies below.
        p75: three quarters lie below.
        count: how many measurements.
    """

    median: float
    p25: float
    p75: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value.

        Raises:
            ValueError: there is none.
        """
        if not values:
            raise ValueError("no measurement was made; expected at least one")
        p25, median, p75 = (float(v) for v in np.quantile(np.asarray(values), (0.25, 0.5, 0.75)))
        return cls(median=median, p25=p25, p75=p75, count=len(values))


def interleave(
    actions: Sequence[Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Time several actions in turn, so that whatever else the machine does hits all alike.

    Args:
        actions: what to time.
        rounds: how often each, at least 1.
        warm_up: rounds before that are not counted: caches fill, clocks rise.
        clock: seconds, never going back.

    Returns:
        Milliseconds of each action, in the order of the rounds.
    """
    times: list[list[float]] = [[] for _ in actions]
    for turn in range(-warm_up, rounds):
        for action, kept in zip(actions, times, strict=True):
            begun = clock()
            action()
            if turn >= 0:
                kept.append(1e3 * (clock() - begun))
    return times
