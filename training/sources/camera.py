"""Drawings and cut-outs as a camera would see them: on a background, tilted, blurred, noisy."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

View = Literal["good", "poor"]
"""``poor`` adds one of: darkness, strong blur, strong noise, low contrast."""

SIZE_PX = 256


def photograph(
    picture: NDArray[np.uint8], background: NDArray[np.uint8], rng: Generator, view: View = "good"
) -> NDArray[np.uint8]:
    """One picture of a thing.

    Args:
        picture: uint8 ``(height, width, rgb or rgba)``; what is transparent shows the background.
        background: uint8 ``(height, width, rgb)``, a photo; a random part of it is used.
        rng: decides everything that varies.
        view: see ``View``.

    Returns:
        uint8 ``(256, 256, rgb)``.
    """
    colour, alpha = _placed(picture, rng)
    scene = _part_of(background, rng).astype(np.float32)
    seen = scene * (1 - alpha) + colour * alpha
    seen = _lit(seen, rng)
    seen = _blurred(seen, float(rng.uniform(0.3, 1.2)))
    if view == "poor":
        seen = _spoilt(seen, rng)
    noise = rng.standard_normal(seen.shape, dtype=np.float32) * float(rng.uniform(0.5, 4))
    pixels = np.clip(np.rint(seen + noise), 0, 255).astype(np.uint8)
    return _through_jpeg(pixels, rng)


def _placed(
    picture: NDArray[np.uint8], rng: Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The thing at a random place, size and tilt: colours and coverage ``(256, 256, 3 and 1)``."""
    height, width = picture.shape[:2]
    side = SIZE_PX * float(rng.uniform(0.55, 0.95))
    scale = side / max(height, width)
    centre = SIZE_PX / 2 + rng.uniform(-0.12, 0.12, 2) * SIZE_PX
    angle = float(rng.normal(0, 0.12))
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [
        width * scale / 2,
        height * scale / 2,
    ]
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    tilt = rng.uniform(-0.06, 0.06, (4, 2)) * side
    target = corners @ turn + centre + tilt
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
    rgba = picture if picture.shape[2] == 4 else np.dstack(
        [picture, np.full(picture.shape[:2], 255, np.uint8)]
    )  # fmt: skip
    straight = rgba.astype(np.float32)
    straight[..., :3] *= straight[..., 3:] / 255
    warped = cv2.warpPerspective(
        straight,
        matrix,
        (SIZE_PX, SIZE_PX),
        flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    alpha = warped[..., 3:] / 255
    colour = warped[..., :3] / np.maximum(alpha, 1e-3)
    return colour.astype(np.float32), alpha.astype(np.float32)


def _part_of(background: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    height, width = background.shape[:2]
    side = max(2, int(min(height, width) * rng.uniform(0.4, 1.0)))
    top = int(rng.integers(0, height - side + 1))
    left = int(rng.integers(0, width - side + 1))
    part = background[top : top + side, left : left + side]
    if rng.random() < 0.5:
        part = np.ascontiguousarray(part[:, ::-1])
    return np.asarray(cv2.resize(part, (SIZE_PX, SIZE_PX)), np.uint8)


def _lit(seen: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    """Exposure, contrast, white balance and a lighting gradient, all mild."""
    gain = rng.uniform(0.75, 1.2) * rng.uniform(0.93, 1.07, 3)
    ramp = np.linspace(-1, 1, SIZE_PX, dtype=np.float32)
    across, down = rng.uniform(-0.15, 0.15, 2)
    light = 1 + across * ramp[None, :, None] + down * ramp[:, None, None]
    contrast = float(rng.uniform(0.85, 1.1))
    return np.asarray(((seen - 128) * contrast + 128) * gain * light, np.float32)


def _blurred(seen: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(seen, (0, 0), sigma_px), np.float32)


def _spoilt(seen: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    how = int(rng.integers(4))
    if how == 0:
        return (seen * float(rng.uniform(0.05, 0.3))).astype(np.float32)
    if how == 1:
        return _blurred(seen, float(rng.uniform(4, 10)))
    if how == 2:
        noise = rng.standard_normal(seen.shape, dtype=np.float32) * float(rng.uniform(15, 40))
        return (seen + noise).astype(np.float32)
    return (128 + (seen - 128) * float(rng.uniform(0.15, 0.35))).astype(np.float32)


def _through_jpeg(pixels: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    quality = int(rng.integers(60, 96))
    _, coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])
