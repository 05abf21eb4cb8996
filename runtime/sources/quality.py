"""What of a sample is worth recognising: a covered lens shows nothing, a quiet room says nothing.

Recognising what is not there does harm twice: room noise pulls a thing that is only seen away from
how it was learnt with its sound, and a black picture pulls a thing that is only heard. So a
modality that holds nothing counts as missing, and what remains decides alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip, Sample

SILENT_DBFS = -70.0
"""Below this there is nothing to hear in any recording, however carefully it was made."""

QUIET_DBFS = -55.0
"""Live, the loudest tenth of a second of an event is above this. A quiet room through a laptop's
microphone lies near −60 dBFS, somebody who speaks to a kiosk between −40 and −15."""

FLAT_LEVELS = 1.0
"""A picture of something varies more than this (standard deviation, of 255 levels) once noise is
averaged away. A covered lens measures 0.3; a face in a room ten times too dark still 2 to 4."""

_GRID_PX = 32
"""Side to which a picture is shrunk first: averaging some hundred pixels takes the sensor's noise,
which alone has 4 levels in the dark, down to 0.3."""

_TENTH = SAMPLE_RATE_HZ // 10

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


def keep_usable(sample: Sample, quiet_dbfs: float = SILENT_DBFS) -> Usable:
    """Leave out the modalities in which there is nothing; the sample itself when all are fine.

    Args:
        sample: to look at and listen to.
        quiet_dbfs: sound that stays below this is no event.
    """
    reasons: dict[str, str] = {}
    if sample.image is not None and is_flat(sample.image.pixels):
        reasons["image"] = "the picture is one even surface: the lens may be covered"
    if sample.audio is not None and loudness_dbfs(sample.audio) < quiet_dbfs:
        reasons["audio"] = f"nothing is louder than {quiet_dbfs:.0f} dBFS"
    if not reasons:
        return Usable(sample=sample, reasons=reasons)
    image = None if "image" in reasons else sample.image
    audio = None if "audio" in reasons else sample.audio
    if image is None and audio is None:
        return Usable(sample=None, reasons=reasons)
    return Usable(sample=replace(sample, image=image, audio=audio), reasons=reasons)


def is_silent(clip: AudioClip) -> bool:
    """Whether nothing can be heard: the loudest tenth of a second stays under ``SILENT_DBFS``."""
    return loudness_dbfs(clip) < SILENT_DBFS


def loudness_dbfs(clip: AudioClip) -> float:
    """Root mean square of the loudest tenth of a second in dBFS (0 is full scale); −∞ of zeros."""
    return float(levels_dbfs(clip).max())


def levels_dbfs(clip: AudioClip) -> NDArray[np.float64]:
    """Root mean square of each tenth of a second in dBFS ``(tenths,)``, at least one.

    A constant offset, as cheap sound cards add, does not count. What does not fill the last tenth
    is measured by one that overlaps the tenth before.
    """
    samples = clip.samples - np.float32(clip.samples.mean(dtype=np.float64))
    tenths = samples.size // _TENTH
    parts = [samples[None]]
    if tenths:
        parts = [samples[: tenths * _TENTH].reshape(tenths, _TENTH), samples[None, -_TENTH:]]
    power = np.concatenate([np.square(part, dtype=np.float64).mean(axis=1) for part in parts])
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(power))


def is_flat(pixels: NDArray[np.uint8]) -> bool:
    """Whether ``(height, width, rgb)`` is one even surface in every colour, noise aside."""
    import cv2

    height, width = pixels.shape[:2]
    size = (min(_GRID_PX, width), min(_GRID_PX, height))
    whole = np.ascontiguousarray(pixels)
    small = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)
    return float(small.reshape(-1, 3).std(axis=0).max()) < FLAT_LEVELS
