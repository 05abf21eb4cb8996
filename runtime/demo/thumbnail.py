"""Small pictures that travel inside a page."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError

WIDTH_PX = 240
_QUALITY = 72


def jpeg_data_uri(pixels: NDArray[np.uint8], width_px: int = WIDTH_PX) -> str:
    """A picture as ``data:image/jpeg;base64,…``, shrunk to ``width_px``; smaller ones stay.

    Args:
        pixels: uint8 ``(height, width, rgb)``, 0–255.
        width_px: of the result.

    Raises:
        CaptureError: OpenCV cannot write JPEG.
    """
    import cv2

    height, width = pixels.shape[:2]
    if width > width_px:
        size = (width_px, max(1, round(height * width_px / width)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    bgr = np.ascontiguousarray(pixels[:, :, ::-1])
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise CaptureError(
            "a picture could not be written as JPEG; expected OpenCV to do it: install"
            " opencv-python-headless again"
        )
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
