"""The resampler keeps every sample's time, whatever arrives in which pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.runtime.sources.resample import Resampler


@given(sizes=st.lists(st.integers(1, 3_000), min_size=1, max_size=8))
def test_the_pieces_do_not_matter(sizes: list[int]) -> None:
    sizes = [*sizes, 1_000]
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, sum(sizes)).astype(np.float32)
    whole, pieces = Resampler(), Resampler()
    expected = [*whole.push(sound, 44_100, 0.0), *whole.flush()]
    got = []
    for part in np.split(sound, np.cumsum(sizes)[:-1]):
        got += pieces.push(part, 44_100)
    got += pieces.flush()
    np.testing.assert_array_equal(
        np.concatenate([c.samples for c in got]), np.concatenate([c.samples for c in expected])
    )


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 192_000])
def test_an_impulse_keeps_its_time(rate_hz: int) -> None:
    sound = np.zeros(rate_hz, np.float32)
    sound[rate_hz // 2] = 0.9
    resampler = Resampler()
    clips = [*resampler.push(sound, rate_hz, 100.0), *resampler.flush()]
    assert clips[0].start_s == 100.0
    assert np.argmax(np.concatenate([c.samples for c in clips])) == 8_000


def test_times_count_on_from_the_first() -> None:
    resampler = Resampler()
    clips = []
    for index in range(10):
        clips += resampler.push(np.zeros(4_800, np.float32), 48_000, 5.0 + index / 10)
    clips += resampler.flush()
    ends = [(c.start_s or 0.0) + c.duration_s for c in clips]
    assert [c.start_s for c in clips[1:]] == pytest.approx(ends[:-1])
    assert ends[-1] == pytest.approx(6.0)


def test_jitter_is_not_a_hole() -> None:
    resampler = Resampler()
    first = resampler.push(np.zeros(8_000, np.float32), 16_000, 0.0)
    second = resampler.push(np.zeros(8_000, np.float32), 16_000, 0.55)
    assert second[0].start_s == first[-1].duration_s


def test_a_hole_starts_a_new_stretch_at_its_own_time() -> None:
    resampler = Resampler()
    resampler.push(np.zeros(8_000, np.float32), 16_000, 0.0)
    after = resampler.push(np.zeros(8_000, np.float32), 16_000, 3.0)
    assert after[-1].start_s == 3.0


def test_the_rate_may_change_in_the_middle() -> None:
    resampler = Resampler()
    clips = resampler.push(np.zeros(8_000, np.float32), 16_000, 0.0)
    clips += resampler.push(np.zeros(24_000, np.float32), 48_000, 0.5)
    clips += resampler.flush()
    assert sum(c.samples.size for c in clips) == 16_000
