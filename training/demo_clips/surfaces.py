"""What the camera sees when nothing is held up: worktops and walls, side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.training.demo_clips.material import Material

SURFACE_PX = (620, 860)  # height, width: more than a frame, so that the camera may wander


def surface(name: str, material: Material) -> NDArray[np.uint8]:
    """One surface, uint8 ``(620, 860, rgb)``; ``granite``, ``brick``, ``bench`` or ``wall``."""
    makers = {"bench": _bench, "wall": _wall}
    if name in makers:
        return makers[name]()
    grey = material.photograph(name)[..., 0].astype(np.float32) / 255
    height, width = SURFACE_PX
    # Gravel seen from far away makes the grain of a stone worktop.
    grain = _softened(grey, 1.3)[::3, ::3] if name == "granite" else _softened(grey, 1.2)
    mirrored = np.block([[grain, grain[:, ::-1]], [grain[::-1], grain[::-1, ::-1]]])  # no seams
    times = -(-height // mirrored.shape[0]), -(-width // mirrored.shape[1])
    tile = np.tile(mirrored, times)[:height, :width]
    dark, light = {
        "granite": ((112, 114, 118), (196, 196, 190)),
        "brick": ((92, 62, 52), (214, 176, 156)),
    }[name]
    return _tinted(tile, dark, light)


def world(names: tuple[str, ...], material: Material) -> NDArray[np.uint8]:
    """Surfaces side by side, uint8 ``(620, 860 · surfaces, rgb)``, for the camera to pan over."""
    return np.concatenate([surface(name, material) for name in names], axis=1)


def _bench() -> NDArray[np.uint8]:
    """Planks: grain is noise stretched along the plank."""
    height, width = SURFACE_PX
    rng = np.random.default_rng(11)
    grain = sum(
        weight * _softened(rng.standard_normal((height, width)), (along, across))
        for weight, along, across in ((1.0, 40.0, 1.0), (1.5, 90.0, 3.0), (2.5, 160.0, 9.0))
    )
    tone = 0.5 + 0.10 * np.asarray(grain) / np.std(grain)
    plank = np.arange(height) // 155
    tone += (rng.uniform(-0.12, 0.12, plank.max() + 1))[plank][:, None]
    tone[np.arange(height) % 155 < 3] = 0.05
    return _tinted(np.clip(tone, 0, 1), (96, 64, 40), (206, 164, 118))


def _wall() -> NDArray[np.uint8]:
    """Painted plaster with the unevenness of a roller."""
    height, width = SURFACE_PX
    rng = np.random.default_rng(12)
    rough = _softened(rng.standard_normal((height, width)), 2.0)
    large = _softened(rng.standard_normal((height, width)), 60.0)
    tone = 0.6 + 0.07 * rough / rough.std() + 0.13 * large / large.std()
    return _tinted(np.clip(tone, 0, 1), (96, 112, 116), (190, 198, 188))


def _softened(
    image: NDArray[np.floating], sigma_px: float | tuple[float, float]
) -> NDArray[np.float64]:
    """Gaussian blur; a pair is (along x, along y)."""
    import cv2

    x, y = sigma_px if isinstance(sigma_px, tuple) else (sigma_px, sigma_px)
    return np.asarray(cv2.GaussianBlur(image.astype(np.float64), (0, 0), x, sigmaY=y), np.float64)


def _tinted(
    tone: NDArray[np.floating], dark: tuple[int, int, int], light: tuple[int, int, int]
) -> NDArray[np.uint8]:
    low, high = np.array(dark, float), np.array(light, float)
    return np.asarray(np.round(low + tone[..., None] * (high - low)), np.uint8)
