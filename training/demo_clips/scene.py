"""Puts a photographed thing in front of the camera, as a person would hold it up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.training.demo_clips.camera import FRAME_PX, Wobble, similarity
from headstart.training.demo_clips.cutout import cut_out
from headstart.training.demo_clips.shots import Held

_ENTER_S = 0.35  # a hand needs this long to bring a thing in and to take it away
_TURN_S = 5.0
_SHADOW = 0.45


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A photograph ready to be held up.

    Args:
        pixels: float32 ``(height, width, rgb)``, 0–255.
        mask: float32 ``(height, width, 1)``, 0–1, what belongs to the thing.
    """

    pixels: NDArray[np.float32]
    mask: NDArray[np.float32]


def thing_from(photograph: NDArray[np.uint8], cut: bool) -> Thing:
    """The thing cut out of its photograph, or the whole photograph as a print with a white edge."""
    if cut:
        mask = cut_out(photograph).astype(np.float32) / 255
        rows, columns = np.nonzero(mask.max(1) > 0.5)[0], np.nonzero(mask.max(0) > 0.5)[0]
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        pixels, mask = photograph[box], mask[box]
    else:
        edge = max(4, round(0.025 * photograph.shape[1]))
        pixels = np.pad(photograph, ((edge, edge), (edge, edge), (0, 0)), constant_values=235)
        mask = np.ones(pixels.shape[:2], np.float32)
    clear = ((2, 2), (2, 2))
    return Thing(
        pixels=np.pad(pixels.astype(np.float32), (*clear, (0, 0)), mode="edge"),
        mask=np.pad(mask, clear)[..., None].astype(np.float32),
    )


def hold_up(
    room: NDArray[np.float32],
    thing: Thing,
    held: Held,
    *,
    since_s: float,
    left_s: float,
    seed: int,
) -> NDArray[np.float32]:
    """The room with the thing in front of it.

    Args:
        room: float32 ``(360, 480, rgb)``, 0–255.
        thing: what is held up.
        held: how large, how turned, where.
        since_s: seconds since it came into view.
        left_s: seconds until it is gone.
        seed: which hand.
    """
    import cv2

    height, width = FRAME_PX
    outline = _pose(thing, held, since_s=since_s, left_s=left_s, seed=seed)
    size = (width, height)
    pixels = cv2.warpPerspective(
        thing.pixels, outline, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    mask = cv2.warpPerspective(thing.mask, outline, size, flags=cv2.INTER_LINEAR)
    shadow = cv2.GaussianBlur(np.roll(mask, (9, 7), (0, 1)), (0, 0), 8)
    behind = room * (1 - _SHADOW * shadow)[..., None]
    return np.asarray(behind + mask[..., None] * (pixels - behind), np.float32)


def _pose(
    thing: Thing, held: Held, *, since_s: float, left_s: float, seed: int
) -> NDArray[np.float64]:
    """The ``(3, 3)`` homography from the photograph to the frame."""
    import cv2

    height, width = FRAME_PX
    s = 100 * seed
    h, w = thing.mask.shape[:2]
    # `size` is the share of the frame's height that the longer side would fill.
    scale = held.size * height / max(h, w) * (1 + Wobble(s + 1, 0.06, 0.01).at(since_s))
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]], float) / 2 * scale
    # Tilting towards and away from the camera makes one side a little larger.
    yaw, pitch = Wobble(s + 2, 0.10, 0.02).at(since_s), Wobble(s + 3, 0.08, 0.02).at(since_s)
    depth = 1 + yaw * corners[:, :1] / (width / 2) + pitch * corners[:, 1:] / (height / 2)
    corners = corners / depth
    away = max(0.0, 1 - since_s / _ENTER_S, 1 - left_s / _ENTER_S)
    x = held.x * width + Wobble(s + 4, 14, 3, 0.6).at(since_s)
    y = held.y * height + Wobble(s + 5, 10, 3, 0.6).at(since_s) + away**2 * 1.1 * height
    turn = held.turn_deg * np.sin(2 * np.pi * since_s / _TURN_S)
    angle = np.deg2rad(held.angle_deg + turn + Wobble(s + 6, 6, 1.2).at(since_s))
    placed = similarity(x, y, 1.0, float(angle))
    centred = corners + np.array([width, height]) / 2
    target = centred @ placed[:2, :2].T + placed[:2, 2]
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, target.astype(np.float32)), np.float64)
