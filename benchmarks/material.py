"""Made-up things to enrol and recognise: what matters here is how long it takes, not what it is."""

from __future__ import annotations

import numpy as np

from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip, Frame, Sample

WIDTH_PX, HEIGHT_PX = 640, 480
SOUND_S = 1.5


def thing(number: int, look: int) -> Sample:
    """One look at one thing: a picture of 640×480 and a second and a half of sound.

    The same numbers give the same sample; looks at one thing differ by noise.
    """
    own, noise = np.random.default_rng(number), np.random.default_rng((number, look))
    tiles = own.integers(40, 216, (HEIGHT_PX // 40, WIDTH_PX // 40, 3))
    pixels = np.kron(tiles, np.ones((40, 40, 1), np.int64))
    pixels = np.clip(pixels + noise.integers(-20, 21, pixels.shape), 0, 255).astype(np.uint8)
    time_s = np.arange(round(SOUND_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tone = np.sin(2 * np.pi * own.uniform(200, 2000) * time_s) * np.exp(-4 * (time_s % 0.5))
    sound = (0.3 * tone + 0.01 * noise.standard_normal(time_s.size)).astype(np.float32)
    return Sample(
        image=Frame(pixels=pixels),
        audio=AudioClip(samples=sound),
        source=f"thing {number}, look {look}",
    )
