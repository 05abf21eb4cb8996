"""Files of a source as arrays: any picture as RGB or RGBA, any sound as 16 kHz mono."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.runtime.sources.sound import read_audio

SOUND_SUFFIXES = frozenset({".wav", ".ogg", ".oga", ".opus", ".flac", ".mp3", ".gsm", ".au"})
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"})


def read_sound(path: Path) -> NDArray[np.float32]:
    """The sound of a file, float32 ``(samples,)``, mono, 16 kHz, −1…1: decoded as the device does.

    Raises:
        CaptureError: the file holds no sound that can be decoded.
    """
    return read_audio(path).samples


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture as uint8 ``(height, width, rgb)``, or ``(height, width, rgba)`` where it has alpha.

    Raises:
        CaptureError: the file is not a picture that can be decoded.
    """
    import cv2

    try:
        pixels: NDArray[Any] | None = cv2.imdecode(
            np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED
        )
    except (OSError, cv2.error) as error:
        raise CaptureError(f"{path} cannot be read ({error}); expected a picture file") from error
    if pixels is None:
        raise CaptureError(
            f"{path} cannot be decoded; expected a whole PNG, JPEG, GIF, WebP or BMP picture:"
            " get a fresh copy or leave it out"
        )
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(np.uint8)
    has_alpha = pixels.shape[2] == 4
    code = cv2.COLOR_BGRA2RGBA if has_alpha else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(pixels, code).astype(np.uint8)


def write_sound(path: Path, samples: NDArray[np.float32]) -> None:
    """Write float32 ``(samples,)`` at 16 kHz, −1…1, as a 16-bit mono WAV file."""
    import wave

    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())
