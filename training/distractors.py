"""Sounds and pictures with nothing in them: what trust has to learn to leave out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.errors import EnrolmentError
from headstart.runtime.fusion.late import Placed
from headstart.runtime.fusion.spaces import Spaces, place
from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip, Frame, Sample

NOISES, SCENES = 300, 200
_HUM_HZ = (50, 60, 100, 120)


def distractors(
    backgrounds: Sequence[NDArray[np.uint8]], embedder: Embedder, spaces: Spaces, seed: int = 0
) -> list[Placed]:
    """Noise of any colour and level, with hum or without; empty scenes, half of them very dark.

    Args:
        backgrounds: photos ``(height, width, rgb)`` without a thing in front.
        embedder: as on a device.
        spaces: where to place them.
        seed: of all that varies.
    """
    rng = np.random.default_rng(seed)
    placed = []
    for sample in (*_noises(rng), *_scenes(backgrounds, rng)):
        try:
            found = place(embedder.embed(sample, "query").streams, spaces)
        except EnrolmentError:
            continue  # Too dark to be told from a covered lens: a device leaves it out as well.
        if found is not None:
            placed.append(found)
    return placed


def _noises(rng: Generator) -> Iterator[Sample]:
    for _ in range(NOISES):
        length = int(rng.integers(SAMPLE_RATE_HZ, 3 * SAMPLE_RATE_HZ))
        frequencies = np.fft.rfftfreq(length, 1 / SAMPLE_RATE_HZ)
        frequencies[0] = frequencies[1]
        spectrum = np.fft.rfft(rng.standard_normal(length)) / frequencies ** rng.uniform(0, 1)
        sound = np.fft.irfft(spectrum, length)
        if rng.random() < 0.3:
            hum = np.sin(2 * np.pi * rng.choice(_HUM_HZ) * np.arange(length) / SAMPLE_RATE_HZ)
            sound += hum * sound.std() * rng.uniform(0.5, 3)
        level = 10 ** rng.uniform(-2.3, -0.5) / np.abs(sound).max()
        yield Sample(audio=AudioClip(samples=(sound * level).astype(np.float32)))


def _scenes(backgrounds: Sequence[NDArray[np.uint8]], rng: Generator) -> Iterator[Sample]:
    for _ in range(SCENES):
        photo = backgrounds[int(rng.integers(len(backgrounds)))]
        height, width = photo.shape[:2]
        side = max(16, int(min(height, width) * rng.uniform(0.3, 1)))
        top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        part = photo[top : top + side, left : left + side].astype(np.float64)
        if rng.random() < 0.5:
            part = part * rng.uniform(0.02, 0.15) + rng.normal(0, 4, part.shape)
        yield Sample(image=Frame(pixels=np.clip(np.rint(part), 0, 255).astype(np.uint8)))
