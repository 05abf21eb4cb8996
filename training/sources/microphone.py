"""Clean recordings as another microphone in another room would have heard them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from headstart.runtime.evaluation.corruptions import pink_noise
from headstart.runtime.sample import SAMPLE_RATE_HZ

Room = Literal["clean", "mild", "medium", "heavy"]

SNR_DB: dict[Room, tuple[float, float]] = {
    "mild": (15.0, 40.0),
    "medium": (3.0, 20.0),
    "heavy": (-5.0, 5.0),
}
"""Noise against the loudest second; ``mild`` has none half of the time."""


def heard(
    samples: NDArray[np.float32],
    rng: Generator,
    room: Room,
    other: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The sound as heard in another room.

    Args:
        samples: float32 ``(samples,)``, mono 16 kHz, −1…1.
        rng: decides everything that varies.
        room: how bad it is; ``clean`` returns the samples as they are.
        other: another clip that may be the noise instead of pink noise.

    Returns:
        float32 ``(samples,)``, −1…1, of about the same length.
    """
    if room == "clean":
        return samples
    sound = samples.astype(np.float64)
    if rng.random() < 0.8:
        sound = _at_speed(sound, float(np.exp(rng.uniform(-0.16, 0.16))))
    if rng.random() < 0.3:
        sound = _reverberant(sound, float(rng.uniform(0.05, 0.3)), rng)
    sound = _filtered(sound, rng)
    if rng.random() < 0.15:
        peak = float(np.abs(sound).max()) or 1.0
        drive = float(rng.uniform(1.5, 4))
        sound = np.tanh(sound / peak * drive) * peak
    if room != "mild" or rng.random() < 0.5:
        sound = sound + _noise(sound, rng, SNR_DB[room], other)
    sound = sound / max(1.0, float(np.abs(sound).max()))
    return sound.astype(np.float32)


def _at_speed(sound: NDArray[np.float64], speed: float) -> NDArray[np.float64]:
    """Played ``speed`` times as fast: pitch and length change together."""
    at = np.arange(max(1, int(sound.size / speed))) * speed
    return np.asarray(np.interp(at, np.arange(sound.size), sound), np.float64)


def _reverberant(sound: NDArray[np.float64], decay_s: float, rng: Generator) -> NDArray[np.float64]:
    """Through a room whose echoes fall by 60 dB in ``decay_s``; its length is kept."""
    count = max(2, int(decay_s * SAMPLE_RATE_HZ))
    echo = rng.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    echo *= 0.5 / max(1e-9, float(np.sqrt(np.square(echo).sum())))
    echo[0] = 1.0
    size = 1 << (sound.size + count - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo, size), size)
    return np.asarray(wet[: sound.size], np.float64)


def _filtered(sound: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """A microphone's frequency response, and a telephone's 4 kHz limit now and then."""
    spectrum = np.fft.rfft(sound)
    frequency = np.fft.rfftfreq(sound.size, 1 / SAMPLE_RATE_HZ)
    if rng.random() < 0.5:
        points = np.log([60.0, 250.0, 1000.0, 3000.0, 8000.0])
        gains = rng.uniform(-1.2, 1.2, points.size)
        spectrum = spectrum * np.exp(np.interp(np.log(frequency + 1.0), points, gains))
    if rng.random() < 0.3:
        spectrum = spectrum / np.sqrt(1 + np.square(np.square(frequency / 3700.0)) ** 4)
    return np.asarray(np.fft.irfft(spectrum, sound.size), np.float64)


def _noise(
    sound: NDArray[np.float64],
    rng: Generator,
    snr_db: tuple[float, float],
    other: NDArray[np.float32] | None,
) -> NDArray[np.float64]:
    if other is not None and rng.random() < 0.5:
        noise = np.resize(other.astype(np.float64), sound.size)
    else:
        noise = pink_noise(sound.size, rng)
    power = float(np.square(noise).mean())
    if power < 1e-12:
        return np.zeros_like(sound)
    window = min(sound.size, SAMPLE_RATE_HZ)
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound))])
    running = float((energy[window:] - energy[:-window]).max()) / window
    ratio = 10 ** (-float(rng.uniform(*snr_db)) / 10)
    return noise * float(np.sqrt(running * ratio / power))
