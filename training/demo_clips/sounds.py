"""What the microphone hears: a room that is never quite silent, and events in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.training.demo_clips.material import AUDIO_RATE_HZ


@dataclass(frozen=True)
class Room:
    """One room and one microphone, for one clip.

    Args:
        seed: which room: its reflections, its hum, its hiss.
        tone_db: level of the room's own noise, dB relative to full scale (RMS).
    """

    seed: int
    tone_db: float

    def tone(self, samples: int) -> NDArray[np.float32]:
        """Pink noise and a little mains hum, float32 ``(samples,)``."""
        rng = np.random.default_rng((self.seed, 1))
        spectrum = np.fft.rfft(rng.standard_normal(samples))
        spectrum /= np.sqrt(np.maximum(np.arange(spectrum.size), 20 * samples / AUDIO_RATE_HZ))
        noise = np.fft.irfft(spectrum, samples)
        noise /= np.sqrt(np.mean(noise**2))
        time_s = np.arange(samples) / AUDIO_RATE_HZ
        hum = 0.3 * np.sin(2 * np.pi * 100 * time_s + rng.uniform(0, 6))
        return np.asarray(10 ** (self.tone_db / 20) * (noise + hum), np.float32)

    def heard(self, dry: NDArray[np.float32]) -> NDArray[np.float32]:
        """A sound after the room: direct, then reflections that die away in a quarter second."""
        rng = np.random.default_rng((self.seed, 2))
        length = round(0.25 * AUDIO_RATE_HZ)
        decay = np.exp(-6.9 * np.arange(length) / length)
        response = 0.02 * rng.standard_normal(length) * decay
        response[: round(0.004 * AUDIO_RATE_HZ)] = 0.0
        response[0] = 1.0
        size = dry.size + length - 1
        wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(response, size), size)
        return np.asarray(wet, np.float32)


def add(track: NDArray[np.float32], sound: NDArray[np.float32], start_s: float) -> None:
    """Mix a sound into a track, in place; what runs over the track's end is dropped."""
    start = round(start_s * AUDIO_RATE_HZ)
    end = min(track.size, start + sound.size)
    track[start:end] += sound[: end - start]


def excerpt(
    sound: NDArray[np.float32], from_s: float, length_s: float, *, peak: float
) -> NDArray[np.float32]:
    """A part of a recording with its ends faded (30 ms), at a given peak level (0–1)."""
    start = round(from_s * AUDIO_RATE_HZ)
    part = sound[start : start + round(length_s * AUDIO_RATE_HZ)].copy()
    fade = np.linspace(0, 1, min(round(0.03 * AUDIO_RATE_HZ), part.size // 2), dtype=np.float32)
    part[: fade.size] *= fade
    part[part.size - fade.size :] *= fade[::-1]
    return np.asarray(peak * part / np.abs(part).max(), np.float32)
