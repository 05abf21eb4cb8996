"""The temperature: by hand, against a search, and where there is nothing to learn from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.runtime.recognition.temperature import HIGHEST, LOWEST, fit_temperature


def _best(held_out: NDArray[Any], labels: NDArray[Any]) -> float:
    """The temperature of lowest log-loss, among 400."""
    grid = np.exp(np.linspace(math.log(LOWEST), math.log(HIGHEST), 401))
    losses = []
    for temperature in grid:
        logits = temperature * held_out
        log_sum = np.logaddexp.reduce(logits, axis=1)
        losses.append(np.mean(log_sum - logits[np.arange(labels.size), labels]))
    return float(grid[int(np.argmin(losses))])


def test_by_hand() -> None:
    """Right three times in four by a margin of 0.1: σ(0.1·t) = 3/4 at t = 10·ln 3."""
    held_out = np.array([[0.1, 0.0]] * 4)
    labels = np.array([0, 0, 0, 1])
    best, prior = 10 * math.log(3), 5.0
    expected = math.exp((4 * math.log(best) + 10 * math.log(prior)) / 14)
    assert fit_temperature(held_out, labels, prior) == pytest.approx(expected, rel=1e-3)


@settings(max_examples=30)
@given(seed=st.integers(0, 500), ways=st.integers(2, 6), count=st.integers(5, 40))
def test_it_is_the_log_mean_of_the_prior_and_the_best(seed: int, ways: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, ways, count)
    held_out = rng.normal(size=(count, ways)) * 0.2
    held_out[np.arange(count), labels] += 0.2
    held_out[0, labels[0]] = held_out[0].min() - 0.1  # one is wrong, so that a best one exists
    weight = count / (count + 10)
    expected = weight * math.log(_best(held_out, labels)) + (1 - weight) * math.log(7.0)
    found = fit_temperature(held_out, labels, 7.0)
    assert math.log(found) == pytest.approx(expected, abs=0.02)


def test_without_samples_it_is_the_prior() -> None:
    assert fit_temperature(None, np.empty(0, np.int64), 7.0) == 7.0
    assert fit_temperature(np.empty((0, 3)), np.empty(0, np.int64), 7.0) == 7.0


def test_samples_that_are_all_right_sharpen_within_bounds() -> None:
    sharper = fit_temperature(np.array([[0.3, 0.0]] * 5), np.zeros(5, np.int64), 7.0)
    assert 7.0 < sharper <= HIGHEST


def test_samples_that_are_all_wrong_blunt_within_bounds() -> None:
    blunter = fit_temperature(np.array([[0.0, 0.3]] * 5), np.zeros(5, np.int64), 7.0)
    assert LOWEST <= blunter < 7.0


def test_many_classes_cost_little_memory() -> None:
    """500 samples of 2,000 classes: 8 MB of scores, and not one copy for each temperature."""
    import tracemalloc

    held_out = np.random.default_rng(0).normal(size=(500, 2000))
    tracemalloc.start()
    fit_temperature(held_out, np.arange(500), 7.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6
