"""Where windows are placed, in samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.runtime.bundle.manifest import AudioWindows
from headstart.runtime.embedding.windows import (
    audio_windows,
    centred_start,
    cut_windows,
    spread_starts,
)

SECOND = 16_000
LOUDEST = AudioWindows(window_s=1.0, placement="loudest", offsets_s=(0.0, -0.32, 0.32), pool="mean")
SPREAD = AudioWindows(window_s=1.0, placement="spread", count=5, pool="energy")


def _burst(length_s: float, at_s: float, width_s: float = 0.2) -> NDArray[np.float32]:
    """Silence with a burst of noise whose middle is at ``at_s``."""
    sound = np.zeros(round(length_s * SECOND), np.float32)
    begin = round((at_s - width_s / 2) * SECOND)
    noise = np.random.default_rng(0).normal(0, 0.1, round(width_s * SECOND))
    sound[begin : begin + noise.size] = noise
    return sound


@pytest.mark.parametrize("at_s", [0.1, 0.7, 2.35, 4.9])
def test_the_loudest_window_has_the_burst_in_its_middle(at_s: float) -> None:
    start = centred_start(_burst(5.0, at_s), SECOND)
    assert (start + SECOND / 2) / SECOND == pytest.approx(at_s, abs=0.03)


def test_a_louder_burst_wins() -> None:
    sound = _burst(4.0, 1.0) + 2 * _burst(4.0, 3.0)
    assert centred_start(sound, SECOND) / SECOND == pytest.approx(2.5, abs=0.03)


@pytest.mark.parametrize("gain", [1e-3, 0.1, 10.0])
def test_loudness_does_not_move_the_window(gain: float) -> None:
    sound = _burst(3.0, 1.3)
    assert centred_start(np.float32(gain) * sound, SECOND) == centred_start(sound, SECOND)


@pytest.mark.parametrize("length", [1, 159, 160, 8_000, 16_000, 40_001])
def test_silence_is_centred(length: int) -> None:
    silence = np.zeros(length, np.float32)
    assert centred_start(silence, SECOND) == (length - SECOND) // 2


def test_starts_are_spread_evenly_from_the_first_to_the_last_window() -> None:
    starts = spread_starts(np.ones(5 * SECOND, np.float32), SECOND, 5)
    assert starts == [0, 16_000, 32_000, 48_000, 64_000]


@pytest.mark.parametrize(
    ("length", "starts"),
    [
        (SECOND + 1, [0, 1]),
        (3 * SECOND // 2, [0, 8_000]),
        (2 * SECOND, [0, 8_000, 16_000]),
        (2 * SECOND + 160, [0, 5_387, 10_773, 16_160]),
    ],
)
def test_a_short_sound_needs_fewer_windows_half_a_window_apart(
    length: int, starts: list[int]
) -> None:
    assert spread_starts(np.ones(length, np.float32), SECOND, 5) == starts


def test_a_sound_of_one_window_is_centred_in_it() -> None:
    tone = np.sin(np.arange(4_000) / 5).astype(np.float32)
    (start,) = spread_starts(tone, SECOND, 5)
    assert start == pytest.approx(2_000 - 8_000, abs=160)


def test_cutting_fills_with_silence() -> None:
    sound = np.arange(1, 5, dtype=np.float32)
    assert cut_windows(sound, [-2, 0, 3, 9], 4).tolist() == [
        [0, 0, 1, 2],
        [1, 2, 3, 4],
        [4, 0, 0, 0],
        [0, 0, 0, 0],
    ]


def test_offsets_are_around_the_loudest_second_and_weigh_alike() -> None:
    sound = _burst(4.0, 2.0)
    windows, weights = audio_windows(sound, LOUDEST)
    start = centred_start(sound, SECOND)
    expected = [sound[start + d : start + d + SECOND] for d in (0, -5_120, 5_120)]
    np.testing.assert_array_equal(windows, expected)
    assert weights.tolist() == [1, 1, 1]


def test_spread_windows_weigh_by_the_root_of_their_level() -> None:
    sound = np.concatenate([np.full(SECOND, 0.04), np.full(SECOND, 0.16)]).astype(np.float32)
    windows, weights = audio_windows(sound, SPREAD)
    assert windows.shape == (3, SECOND)
    middle = ((0.04**2 + 0.16**2) / 2) ** 0.25
    np.testing.assert_allclose(weights, [0.2, middle, 0.4], rtol=1e-5)


def test_silence_weighs_something_and_all_windows_alike() -> None:
    windows, weights = audio_windows(np.zeros(3 * SECOND, np.float32), SPREAD)
    assert not windows.any()
    assert weights.tolist() == [pytest.approx(1e-3)] * 5


@pytest.mark.parametrize("plan", [LOUDEST, SPREAD], ids=["loudest", "spread"])
@given(length=st.integers(1, 60_000), seed=st.integers(0, 50))
def test_any_length_gives_whole_finite_windows(plan: AudioWindows, length: int, seed: int) -> None:
    sound = np.random.default_rng(seed).normal(0, 0.1, length).astype(np.float32)
    windows, weights = audio_windows(sound, plan)
    assert windows.shape == (weights.size, SECOND)
    assert windows.dtype == weights.dtype == np.float32
    assert (weights > 0).all()
    assert windows.any()
