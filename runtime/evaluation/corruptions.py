"""What may go wrong with a query: the dark, blur, noise and missing parts that ``eval`` can add.

Strengths are fixed, so that figures from different days and people can be compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from headstart.runtime.errors import ConfigError
from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip, Frame, Sample

DARK_GAIN = 0.1
DARK_NOISE_SIGMA = 4.0
"""In 8-bit levels."""
BLUR_SIGMA_PX = 8.0
"""For a picture whose short side is ``BLUR_SIDE_PX``; others in proportion."""
BLUR_SIDE_PX = 224
PINK_LOWEST_HZ = 20.0
"""Below hearing the noise is left out: it would take a share of the power that grows with the
clip's length, and no microphone would give it back."""


def parse_corruptions(text: str) -> tuple[str, ...]:
    """Kinds from a comma-separated list, in the order in which they are applied.

    Raises:
        ConfigError: a kind that does not exist.
    """
    kinds = tuple(part.strip() for part in text.split(","))
    for kind in kinds:
        if kind not in CORRUPTIONS:
            near = get_close_matches(kind, CORRUPTIONS, n=1)
            hint = f": did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"--corrupt was given {kind!r}; expected one or more, separated by commas, of"
                f" {', '.join(CORRUPTIONS)}{hint}"
            )
    return kinds


def sample_generator(seed: int, name: str) -> Generator:
    """The random numbers of one sample, whatever the order in which samples come.

    Args:
        seed: the evaluation's, 0 or more.
        name: what names the sample within its data folder: ``<class>/<stem>``.
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return Generator(PCG64(SeedSequence([seed, int.from_bytes(digest, "little")])))


def corrupt(sample: Sample, kind: str, rng: Generator) -> Sample | None:
    """The sample as a bad camera or microphone would have given it.

    A kind whose modality the sample lacks changes nothing. Each kind's noise is the same whichever
    others it is combined with.

    Args:
        sample: left as it is.
        kind: one of ``CORRUPTIONS``, or several separated by commas.
        rng: from ``sample_generator``; one number is taken from it.

    Returns:
        A new sample, or None when nothing is left of it.

    Raises:
        ConfigError: a kind that does not exist.
    """
    root = int(rng.integers(2**63))
    left: Sample | None = sample
    for name in parse_corruptions(kind):
        if left is not None:
            own = SeedSequence(root, spawn_key=(tuple(CORRUPTIONS).index(name),))
            left = CORRUPTIONS[name](left, Generator(PCG64(own)))
    return left


def darken(pixels: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    """A tenth of the light, and the sensor's noise: uint8 ``(height, width, rgb)`` to the same."""
    noisy = rng.standard_normal(pixels.shape, dtype=np.float32)
    noisy *= DARK_NOISE_SIGMA
    noisy += DARK_GAIN * pixels.astype(np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def blur(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A lens out of focus: uint8 ``(height, width, rgb)`` to the same, Gaussian.

    Large pictures are blurred at a short side of 448 pixels and enlarged again: within
    a level on average of the slow way (12 megapixels: 4 s), and no encoder can tell.
    """
    import cv2

    height, width = pixels.shape[:2]
    shrink = min(1.0, 2 * BLUR_SIDE_PX / min(height, width))
    size = (round(width * shrink), round(height * shrink))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if shrink < 1 else pixels
    sigma = BLUR_SIGMA_PX * min(size) / BLUR_SIDE_PX
    blurred = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    if shrink < 1:
        blurred = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(blurred, dtype=np.uint8)


def add_pink_noise(samples: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """Noise as strong as the loudest second: float32 ``(samples,)`` mono 16 kHz to the same.

    Where the sum would leave −1…1 all of it is turned down, which keeps 0 dB exactly; clipping
    would not. A clip shorter than a second counts as a whole. Silence stays silence.
    """
    noise = pink_noise(samples.size, rng)
    level = np.sqrt(_loudest_power(samples) / np.mean(np.square(noise)))
    noisy = samples.astype(np.float64) + level * noise
    noisy /= max(1.0, float(np.abs(noisy).max()))
    return np.asarray(noisy, dtype=np.float32)


def pink_noise(count: int, rng: Generator) -> NDArray[np.float64]:
    """``count`` samples at 16 kHz with equal power in every octave from 20 Hz up; any scale."""
    # A second at least: a few samples alone hold no frequency above zero to shape.
    length = max(count, SAMPLE_RATE_HZ)
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    heard = frequency >= PINK_LOWEST_HZ
    spectrum[heard] /= np.sqrt(frequency[heard])
    spectrum[~heard] = 0
    return np.asarray(np.fft.irfft(spectrum, length)[:count], dtype=np.float64)


def _loudest_power(samples: NDArray[np.float32]) -> float:
    """Largest mean square of any second; of the clip where it is shorter."""
    window = min(samples.size, SAMPLE_RATE_HZ)
    energy = np.cumsum(np.square(samples, dtype=np.float64))
    sums = energy[window - 1 :].copy()
    sums[1:] -= energy[:-window]
    return float(sums.max()) / window


def _on_image(
    change: Callable[[NDArray[np.uint8], Generator], NDArray[np.uint8]],
) -> Callable[[Sample, Generator], Sample | None]:
    def apply(sample: Sample, rng: Generator) -> Sample | None:
        if sample.image is None:
            return sample
        pixels = change(sample.image.pixels, rng)
        return replace(sample, image=Frame(pixels=pixels, time_s=sample.image.time_s))

    return apply


def _on_audio(
    change: Callable[[NDArray[np.float32], Generator], NDArray[np.float32]],
) -> Callable[[Sample, Generator], Sample | None]:
    def apply(sample: Sample, rng: Generator) -> Sample | None:
        if sample.audio is None:
            return sample
        sound = change(sample.audio.samples, rng)
        return replace(sample, audio=AudioClip(samples=sound, start_s=sample.audio.start_s))

    return apply


def _without_image(sample: Sample, rng: Generator) -> Sample | None:
    if sample.image is None:
        return sample
    return None if sample.audio is None else replace(sample, image=None)


def _without_audio(sample: Sample, rng: Generator) -> Sample | None:
    if sample.audio is None:
        return sample
    return None if sample.image is None else replace(sample, audio=None)


# A kind's place seeds its noise: add new ones at the end.
CORRUPTIONS: dict[str, Callable[[Sample, Generator], Sample | None]] = {
    "image:dark": _on_image(darken),
    "image:blur": _on_image(lambda pixels, rng: blur(pixels)),
    "image:missing": _without_image,
    "audio:noise": _on_audio(add_pink_noise),
    "audio:silence": _on_audio(lambda samples, rng: np.zeros_like(samples)),
    "audio:missing": _without_audio,
}
"""Kind → what it does to a sample."""
