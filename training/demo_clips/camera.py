"""A simulated hand-held camera: how it moves, how it exposes, what its sensor adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAME_PX = (360, 480)  # height, width
FRAME_RATE_HZ = 15
SHUTTER_S = 1 / 40
SUBFRAMES = 6  # exposures averaged within one shutter time: motion blur


@dataclass(frozen=True)
class Wobble:
    """Smooth random motion around zero: a few sines of random phase.

    A hand sways slowly (under 1 Hz), moves (1–3 Hz) and trembles (8–12 Hz, small).

    Args:
        seed: which motion.
        slow, quick, tremor: amplitudes of the three bands, in the caller's unit.
    """

    seed: int
    slow: float
    quick: float = 0.0
    tremor: float = 0.0

    def at(self, time_s: float) -> float:
        """The displacement at a time."""
        rng = np.random.default_rng(self.seed)
        bands = ((0.12, 0.55, self.slow), (1.0, 2.8, self.quick), (8.0, 12.0, self.tremor))
        value = 0.0
        for low_hz, high_hz, amplitude in bands:
            rate_hz = rng.uniform(low_hz, high_hz, 3)
            phase = rng.uniform(0, 2 * np.pi, 3)
            value += amplitude * float(np.sin(2 * np.pi * rate_hz * time_s + phase).sum()) / 3
        return value


@dataclass(frozen=True, kw_only=True)
class Light:
    """How a stretch of the clip is lit and exposed.

    Args:
        exposure: 1 is as photographed; 0.5 is half the light.
        warmth: −1 bluish … 1 yellowish.
        noise: standard deviation of the sensor's read noise, in 8-bit steps.
        blur_px: how far out of focus.
    """

    exposure: float = 1.0
    warmth: float = 0.0
    noise: float = 2.5
    blur_px: float = 0.6


@dataclass(frozen=True)
class Camera:
    """One person's hand and one sensor, for one clip.

    Args:
        seed: which hand.
    """

    seed: int

    def pose(self, time_s: float) -> NDArray[np.float64]:
        """Where the camera looks: a ``(3, 3)`` matrix that moves the room in the frame."""
        s = 10 * self.seed
        x = Wobble(s + 1, 16, 2.2, 0.35).at(time_s)
        y = Wobble(s + 2, 12, 2.0, 0.35).at(time_s)
        angle = np.deg2rad(Wobble(s + 3, 2.2, 0.35).at(time_s))
        zoom = 1.04 + Wobble(s + 4, 0.05, 0.003).at(time_s)
        return similarity(x, y, zoom, float(angle))

    def develop(self, scene: NDArray[np.float32], light: Light, time_s: float) -> NDArray[np.uint8]:
        """What the sensor makes of the light that falls on it.

        Args:
            scene: float32 ``(360, 480, rgb)``, 0–255, before exposure.
            light: the lighting now.
            time_s: since the clip's start; exposure and colour drift with it.

        Returns:
            uint8 ``(360, 480, rgb)``.
        """
        import cv2

        s = 10 * self.seed
        gain = light.exposure * (1 + Wobble(s + 5, 0.07).at(time_s))
        warmth = light.warmth + Wobble(s + 6, 0.12).at(time_s)
        colour = np.array([1 + 0.10 * warmth, 1 + 0.01 * warmth, 1 - 0.12 * warmth])
        image = scene * (gain * colour * _vignette(self.seed)).astype(np.float32)
        sigma = max(0.3, light.blur_px * (1 + Wobble(s + 7, 0.5).at(time_s)))
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
        rng = np.random.default_rng((self.seed, round(time_s * 1000)))
        # Shot noise grows with the root of the light; the sensor's own does not.
        spread = np.sqrt(light.noise**2 + 0.06 * np.maximum(image, 0))
        image = image + rng.standard_normal(image.shape, np.float32) * spread
        return np.asarray(np.clip(np.round(image), 0, 255), np.uint8)


def similarity(x_px: float, y_px: float, zoom: float, angle: float) -> NDArray[np.float64]:
    """Turn and zoom about the frame's centre, then move; ``(3, 3)``, angle in radians."""
    height, width = FRAME_PX
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    cx, cy = width / 2, height / 2
    return np.array(
        [
            [cos, -sin, cx + x_px - cos * cx + sin * cy],
            [sin, cos, cy + y_px - sin * cx - cos * cy],
            [0.0, 0.0, 1.0],
        ]
    )


def _vignette(seed: int) -> NDArray[np.float64]:
    """Darker corners and a lamp on one side; ``(360, 480, 1)``."""
    height, width = FRAME_PX
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    side = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    lamp = 0.10 * (np.cos(side) * x + np.sin(side) * y)
    return np.asarray((1 - 0.16 * (x * x + y * y) + lamp)[..., None])
