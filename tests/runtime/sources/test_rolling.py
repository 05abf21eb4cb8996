"""The rolling buffer gives the last seconds, at the right time, with holes as silence."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.runtime.sample import AudioClip
from headstart.runtime.sources.rolling import RollingSound


def ramp(first: int, count: int, start_s: float | None = None) -> AudioClip:
    """Samples that tell their own number: ``n / 100,000``."""
    samples = (np.arange(first, first + count) / 100_000).astype(np.float32)
    return AudioClip(samples=samples, start_s=start_s)


def test_the_newest_seconds_come_out_with_their_time() -> None:
    sound = RollingSound(2.0)
    for index in range(5):
        sound.add(ramp(index * 16_000, 16_000, start_s=float(index)))
    window = sound.window(1.5)
    assert window is not None
    np.testing.assert_array_equal(window.samples, ramp(56_000, 24_000).samples)
    assert window.start_s == 3.5
    assert sound.held_s == 2.0
    assert sound.end_s == 5.0


def test_a_window_in_the_past_ends_there() -> None:
    sound = RollingSound(5.0)
    sound.add(ramp(0, 64_000, start_s=0.0))
    window = sound.window(1.0, until_s=3.0)
    assert window is not None
    np.testing.assert_array_equal(window.samples, ramp(32_000, 16_000).samples)
    assert window.start_s == 2.0


def test_less_sound_gives_a_shorter_window() -> None:
    sound = RollingSound(5.0)
    sound.add(ramp(0, 8_000, start_s=0.0))
    window = sound.window(1.5)
    assert window is not None
    assert window.duration_s == 0.5


@pytest.mark.parametrize("count", [0, 799])
def test_almost_nothing_is_none(count: int) -> None:
    sound = RollingSound(5.0)
    if count:
        sound.add(ramp(0, count, start_s=0.0))
    assert sound.window(1.5) is None


def test_a_window_before_the_buffer_is_none() -> None:
    sound = RollingSound(1.0)
    sound.add(ramp(0, 64_000, start_s=0.0))
    assert sound.window(1.0, until_s=2.0) is None


def test_a_hole_becomes_silence() -> None:
    sound = RollingSound(5.0)
    sound.add(ramp(1, 16_000, start_s=0.0))
    sound.add(ramp(1, 16_000, start_s=2.0))
    window = sound.window(3.0)
    assert window is not None
    assert (window.samples[:16_000] != 0).all()
    assert (window.samples[16_000:32_000] == 0).all()
    assert (window.samples[32_000:] != 0).all()


def test_a_hole_longer_than_the_buffer_leaves_only_silence_before() -> None:
    sound = RollingSound(1.0)
    sound.add(ramp(1, 16_000, start_s=0.0))
    sound.add(ramp(1, 1_600, start_s=1e9))
    window = sound.window(1.0)
    assert window is not None
    assert (window.samples[:14_400] == 0).all()


def test_the_end_can_be_stamped_by_the_reader_of_a_device() -> None:
    sound = RollingSound(5.0)
    sound.add(ramp(0, 16_000), end_s=100.0)
    sound.add(ramp(0, 16_000), end_s=101.5)
    window = sound.window(1.0)
    assert window is not None
    assert window.start_s == 100.5


def test_a_window_is_the_readers_own() -> None:
    sound = RollingSound(1.0)
    sound.add(ramp(0, 16_000, start_s=0.0))
    window = sound.window(1.0)
    assert window is not None
    before = window.samples.copy()
    sound.add(ramp(50_000, 16_000, start_s=1.0))
    np.testing.assert_array_equal(window.samples, before)
