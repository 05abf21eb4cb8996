"""Which crops of a picture are encoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ConfigError

CROP = 0.8
"""Side of a corner crop as a share of the picture's side."""
MIDDLE = 0.875
"""Side of the middle crop: the share that the image encoder's authors evaluated it with."""

_View = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def _crop(share: float, down: float, right: float) -> _View:
    """Keep ``share`` of each side; the room that is left goes ``down`` and ``right`` (0…1)."""

    def take(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        rows, columns = max(1, round(height * share)), max(1, round(width * share))
        top, left = round((height - rows) * down), round((width - columns) * right)
        return pixels[top : top + rows, left : left + columns]

    return take


_VIEWS: dict[str, _View] = {
    "full": lambda pixels: pixels,
    "flip": lambda pixels: pixels[:, ::-1],
    "middle": _crop(MIDDLE, 0.5, 0.5),
    "top-left": _crop(CROP, 0.0, 0.0),
    "top-right": _crop(CROP, 0.0, 1.0),
    "bottom-left": _crop(CROP, 1.0, 0.0),
    "bottom-right": _crop(CROP, 1.0, 1.0),
}


def resize(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The whole picture as uint8 ``(size, size, rgb)``: nothing is cut off, the aspect may change.

    A side that is twice as long or more is halved first, again and again: each halving averages
    pairs of pixels, so nothing aliases, in a quarter of the time of OpenCV's area averaging.
    """
    import cv2

    # OpenCV reads a mirrored (negatively strided) array wrongly: give it a contiguous one.
    resized = np.ascontiguousarray(pixels)
    while max(resized.shape[:2]) >= 2 * size:
        height, width = (n // 2 if n >= 2 * size else n for n in resized.shape[:2])
        resized = np.asarray(cv2.resize(resized, (width, height)), np.uint8)
    return np.asarray(cv2.resize(resized, (size, size)), np.uint8)


def image_views(pixels: NDArray[np.uint8], names: Sequence[str], size: int) -> NDArray[np.uint8]:
    """The named views of a picture, ready for the encoder.

    Args:
        pixels: uint8 ``(height, width, rgb)``, 0–255.
        names: as listed in ``headstart.runtime.bundle.manifest.ImageViews``.
        size: the encoder's input side in pixels.

    Returns:
        uint8 ``(views, size, size, rgb)``.

    Raises:
        ConfigError: a name that no view has.
    """
    unknown = [name for name in names if name not in _VIEWS]
    if unknown:
        raise ConfigError(
            f"the bundle asks for image views {unknown}; this version knows {sorted(_VIEWS)}:"
            " use a newer headstart or another bundle"
        )
    return np.stack([resize(_VIEWS[name](pixels), size) for name in names])
