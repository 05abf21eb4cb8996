"""A decoded picture that is only converted when somebody wants it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.sample import Frame

if TYPE_CHECKING:
    import av

SHARPNESS_SIDE_PX = 320
"""Sharpness is measured at this size: comparable over resolutions, and cheap."""


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian of uint8 ``(height, width)``; higher is sharper.

    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy" (ICPR 2000).
    """
    import cv2

    # 16 bits hold every value of the 3×3 Laplacian (±1020) at half of float32's cost.
    return float(cv2.Laplacian(grey, cv2.CV_16S).var())


@dataclass(frozen=True, kw_only=True, eq=False)
class RawFrame:
    """One decoded video picture, still in the decoder's pixel format.

    Args:
        picture: PyAV's frame.
        time_s: capture time in seconds on the source's clock.
    """

    picture: av.VideoFrame
    time_s: float

    def sharpness(self) -> float:
        """How sharp the picture is; comparable between frames of one source."""
        width, height = self.picture.width, self.picture.height
        scale = min(1.0, SHARPNESS_SIDE_PX / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = self.picture.reformat(
            width=size[0], height=size[1], format="gray", interpolation="AREA"
        )
        return sharpness(np.asarray(small.to_ndarray(), np.uint8))

    def frame(self) -> Frame:
        """Convert to RGB and turn upright by the file's rotation."""
        pixels = np.asarray(self.picture.to_ndarray(format="rgb24"), np.uint8)
        # The display matrix turns counter-clockwise, as np.rot90 does.
        turns = round(self.picture.rotation / 90) % 4
        return Frame(pixels=np.ascontiguousarray(np.rot90(pixels, turns)), time_s=self.time_s)


def sharpest(frames: list[RawFrame]) -> RawFrame:
    """Return the sharpest of at least one frame; the earliest of equals."""
    if len(frames) == 1:
        return frames[0]
    return max(frames, key=RawFrame.sharpness)
