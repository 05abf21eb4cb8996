from __future__ import annotations

import numpy as np
import pytest

from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.training.sources import microphone
from headstart.training.sources.microphone import SNR_DB, Room, heard

TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)).astype(
    np.float32
)
ROOMS: tuple[Room, ...] = ("mild", "medium", "heavy")


def test_clean_is_the_recording_itself() -> None:
    assert heard(TONE, np.random.default_rng(0), "clean") is TONE


@pytest.mark.parametrize("room", ROOMS)
def test_what_is_heard_is_sound_and_repeatable(room: Room) -> None:
    for seed in range(8):
        first = heard(TONE, np.random.default_rng(seed), room)
        assert np.array_equal(first, heard(TONE, np.random.default_rng(seed), room))
        assert first.dtype == np.float32
        assert np.isfinite(first).all()
        assert 0 < np.abs(first).max() <= 1
        assert 0.8 * TONE.size < first.size < 1.2 * TONE.size


@pytest.mark.parametrize("length", [1, 3, 500])
def test_very_short_sounds_survive(length: int) -> None:
    for seed in range(8):
        assert np.isfinite(
            heard(TONE[100 : 100 + length], np.random.default_rng(seed), "heavy")
        ).all()


def test_silence_stays_silence() -> None:
    silence = np.zeros(1000, np.float32)
    assert not heard(silence, np.random.default_rng(0), "heavy").any()


@pytest.mark.parametrize("room", ["medium", "heavy"])
def test_noise_is_as_strong_as_the_room_says(room: Room) -> None:
    low, high = SNR_DB[room]
    sound = TONE.astype(np.float64)
    for seed in range(10):
        noise = microphone._noise(sound, np.random.default_rng(seed), SNR_DB[room], TONE)
        snr = 10 * np.log10(np.square(sound).mean() / np.square(noise).mean())
        assert low - 0.1 <= snr <= high + 0.1


def test_speed_changes_pitch_and_length_together() -> None:
    fast = microphone._at_speed(TONE.astype(np.float64), 1.25)
    peak_hz = np.abs(np.fft.rfft(fast)).argmax() * SAMPLE_RATE_HZ / fast.size
    assert fast.size == int(TONE.size / 1.25)
    assert peak_hz == pytest.approx(550, abs=1)


def test_reverberation_keeps_the_length_and_adds_a_tail() -> None:
    click = np.zeros(4000)
    click[0] = 1.0
    wet = microphone._reverberant(click, 0.1, np.random.default_rng(0))
    assert wet.size == 4000
    assert wet[0] == pytest.approx(1.0)
    assert np.abs(wet[1:1600]).max() > 1e-3
    assert np.abs(wet[1601:]).max() < 1e-9
