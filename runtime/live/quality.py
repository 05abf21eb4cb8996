"""What of a sample is worth recognising: a covered lens shows nothing, a quiet room says nothing.

Recognising what is not there does harm twice: room noise pulls a thing that is only seen away from
how it was learnt with its sound, and a black picture pulls a thing that is only heard. So a
modality that holds nothing counts as missing, and what remains decides alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip, Frame, Sample

QUIET_DBFS = -55.0
"""The loudest tenth of a second of an event is above this. A quiet room through a laptop's
microphone lies near −60 dBFS, somebody who speaks to a kiosk between −40 and −15."""

FLAT_LEVELS = 1.0
"""A picture of something varies more than this (standard deviation, of 255 levels) once noise is
averaged away. A covered lens measures 0.3; a face in a room ten times too dark still 2 to 4."""

_GRID_PX = 32
"""Side to which a picture is shrunk first: averaging some hundred pixels takes the sensor's noise,
which alone has 4 levels in the dark, down to 0.3."""

_BLOCK = SAMPLE_RATE_HZ // 10

NOTHING = "nothing to see or hear"


@dataclass(frozen=True, kw_only=True, eq=False)
class Usable:
    """What is left of a sample.

    Args:
        sample: with the modalities that hold something; None when none does.
        reasons: modality → why it was left out, in words.
    """

    sample: Sample | None
    reasons: dict[str, str]


def keep_usable(sample: Sample) -> Usable:
    """Leave out the modalities in which there is nothing; the sample itself when all are fine."""
    reasons: dict[str, str] = {}
    if sample.image is not None and is_flat(sample.image):
        reasons["image"] = "the picture is one even surface: the lens may be covered"
    if sample.audio is not None and is_quiet(sample.audio):
        reasons["audio"] = f"nothing is louder than {QUIET_DBFS:g} dBFS"
    if not reasons:
        return Usable(sample=sample, reasons=reasons)
    image = None if "image" in reasons else sample.image
    audio = None if "audio" in reasons else sample.audio
    if image is None and audio is None:
        return Usable(sample=None, reasons=reasons)
    return Usable(sample=replace(sample, image=image, audio=audio), reasons=reasons)


def is_quiet(clip: AudioClip) -> bool:
    """Whether no tenth of a second reaches ``QUIET_DBFS``; a constant offset does not count."""
    return loudness_dbfs(clip) < QUIET_DBFS


def loudness_dbfs(clip: AudioClip) -> float:
    """Root mean square of the loudest tenth of a second in dBFS (0 is full scale); −∞ of zeros."""
    samples = clip.samples - np.float32(np.median(clip.samples))
    blocks = samples.size // _BLOCK
    # A shorter clip is one block; what does not fill the last block is measured by an overlap.
    parts = (
        samples[None]
        if blocks == 0
        else np.vstack([samples[: blocks * _BLOCK].reshape(blocks, _BLOCK), samples[-_BLOCK:]])
    )
    power = float(np.square(parts, dtype=np.float64).mean(axis=1).max())
    return 10 * float(np.log10(power)) if power > 0 else float("-inf")


def is_flat(frame: Frame) -> bool:
    """Whether the picture is one even surface in every colour, noise aside."""
    import cv2

    height, width = frame.pixels.shape[:2]
    size = (min(_GRID_PX, width), min(_GRID_PX, height))
    pixels = np.ascontiguousarray(frame.pixels)
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.float32)
    return float(small.reshape(-1, 3).std(axis=0).max()) < FLAT_LEVELS
