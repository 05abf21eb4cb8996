"""Cuts a thing out of a photograph whose background is nearly one colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PAD_PX = 12


def cut_out(photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How much of each pixel belongs to the thing.

    A smooth surface (second order in x and y, in CIELAB) is fitted to the photograph's border; what
    differs from it seeds GrabCut. Good for things on paper, cloth or a table; bad for busy rooms.

    Args:
        photograph: uint8 ``(height, width, rgb)``.

    Returns:
        uint8 ``(height, width)``, 0 background … 255 thing, trimmed of small islands.
    """
    import cv2

    cv2.setRNGSeed(7)
    around = (_PAD_PX, _PAD_PX)
    padded = np.pad(photograph[..., ::-1], (around, around, (0, 0)), mode="edge")
    distance, border = _distance_to_border_colour(padded)
    seeds = np.full(distance.shape, cv2.GC_PR_BGD, np.uint8)
    seeds[distance > 22] = cv2.GC_PR_FGD
    seeds[distance > 45] = cv2.GC_FGD
    seeds[distance < 5] = cv2.GC_BGD
    seeds[border & (distance < 20)] = cv2.GC_BGD
    whole = (0, 0, 1, 1)  # not looked at when a mask is given
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(padded, seeds, whole, background, foreground, 4, cv2.GC_INIT_WITH_MASK)
    thing = np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    mask = cv2.GaussianBlur(_large_parts(thing) * 255, (0, 0), 0.9)
    return np.asarray(mask[_PAD_PX:-_PAD_PX, _PAD_PX:-_PAD_PX], np.uint8)


def _distance_to_border_colour(
    bgr: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Each pixel's CIELAB distance to the fitted background, and which pixels are border."""
    import cv2

    lab = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB), np.float32)
    height, width = lab.shape[:2]
    grid = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = grid[0] / height - 0.5, grid[1] / width - 0.5
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    border = np.ones((height, width), bool)
    edge = _PAD_PX + 4
    border[edge:-edge, edge:-edge] = False
    chosen = border
    distance = np.zeros((height, width), np.float32)
    # The thing may touch the border: refit without the pixels that fit badly.
    for _ in range(4):
        fit = np.linalg.lstsq(terms[chosen], lab[chosen], rcond=None)[0]
        distance = np.linalg.norm(lab - terms @ fit, axis=-1).astype(np.float32)
        chosen = border & (distance < max(8.0, float(np.percentile(distance[border], 70))))
    return distance, border


def _large_parts(thing: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mask without islands under 4 % of the largest."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(thing)
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = [i + 1 for i in range(count - 1) if areas[i] > 0.04 * areas.max()]
    return np.isin(labels, large).astype(np.uint8)
