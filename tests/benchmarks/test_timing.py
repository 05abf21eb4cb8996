"""Interleaved timings and their spread."""

from __future__ import annotations

from itertools import count

import pytest

from headstart.benchmarks.timing import Spread, interleave


def test_the_spread_is_median_and_quartiles() -> None:
    assert Spread.of([4.0, 1.0, 3.0, 2.0, 5.0]) == Spread(median=3.0, p25=2.0, p75=4.0, count=5)


def test_no_measurement_has_no_spread() -> None:
    with pytest.raises(ValueError, match="expected at least one"):
        Spread.of([])


def test_actions_take_turns_and_the_warm_up_does_not_count() -> None:
    calls: list[str] = []
    ticks = count()

    times = interleave(
        [lambda: calls.append("a"), lambda: calls.append("b")],
        2,
        warm_up=1,
        clock=lambda: float(next(ticks)),
    )

    assert calls == ["a", "b"] * 3
    assert times == [[1000.0, 1000.0], [1000.0, 1000.0]]
