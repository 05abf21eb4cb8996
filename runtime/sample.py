"""What a person shows: one picture, one stretch of sound, or both, taken at one time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ShapeError

SAMPLE_RATE_HZ = 16_000
MODALITIES = ("image", "audio")


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture.

    Args:
        pixels: uint8 ``(height, width, rgb)``, 0–255.
        time_s: capture time in seconds on the source's clock; None for a still.

    Raises:
        ShapeError: the array is not such a picture.
    """

    pixels: NDArray[np.uint8]
    time_s: float | None = None

    def __post_init__(self) -> None:
        p = self.pixels
        if p.dtype != np.uint8 or p.ndim != 3 or p.shape[2] != 3 or p.size == 0:
            raise ShapeError(
                f"a picture came as {p.dtype} {p.shape}; expected uint8 (height, width, 3) in RGB:"
                " convert it before making a Frame"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class AudioClip:
    """One stretch of mono sound at 16 kHz.

    Args:
        samples: float32 ``(samples,)``, −1…1.
        start_s: time of the first sample in seconds on the source's clock; None for a still clip.

    Raises:
        ShapeError: the array is empty, not mono float32, or holds NaN or infinity.
    """

    samples: NDArray[np.float32]
    start_s: float | None = None

    def __post_init__(self) -> None:
        s = self.samples
        if s.dtype != np.float32 or s.ndim != 1 or s.size == 0:
            raise ShapeError(
                f"sound came as {s.dtype} {s.shape}; expected float32 (samples,) in mono at"
                f" {SAMPLE_RATE_HZ} Hz, at least one sample: convert it before making an AudioClip"
            )
        if not np.isfinite(s).all():
            raise ShapeError(
                "sound holds NaN or infinite values; expected numbers in −1…1: check the"
                " recording or its decoder"
            )

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.size / SAMPLE_RATE_HZ


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One observation: an image, a stretch of sound, or both, taken at one time.

    Args:
        image: the picture, if there is one.
        audio: the sound, if there is any.
        time_s: when it was taken, seconds on the source's clock; None for stills.
        source: where it came from (path, URI or device), for people to read.
        group: samples that show one thing in one burst share a group: together they count as one
            independent look at it. Empty means that the sample stands alone.

    Raises:
        ShapeError: neither image nor audio is there.
    """

    image: Frame | None = None
    audio: AudioClip | None = None
    time_s: float | None = None
    source: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if self.image is None and self.audio is None:
            raise ShapeError(
                f"a sample from {self.source!r} holds neither image nor audio; expected one or both"
            )

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that are there, in the order of ``MODALITIES``."""
        present = {"image": self.image, "audio": self.audio}
        return tuple(m for m in MODALITIES if present[m] is not None)
