"""Wavefront OBJ models: triangles with colours, drawn from any side by the painter's algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.training.sources.media import PICTURE_SUFFIXES, read_picture

GREY = (180.0, 180.0, 180.0)
MAX_TRIANGLES = 150_000
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A 3D model, centred, its longest diagonal 2 long.

    Args:
        corners: float64 ``(triangles, 3, xyz)``; y is up.
        colours: float64 ``(triangles, rgb)``, 0–255; a texture counts with its mean colour.
    """

    corners: NDArray[np.float64]
    colours: NDArray[np.float64]


def read_model(path: Path) -> Model:
    """Read an OBJ file and the MTL files it names.

    Raises:
        CaptureError: no triangles, too many of them, or numbers that cannot be read.
    """
    points: list[tuple[float, ...]] = []
    triangles: list[tuple[int, int, int]] = []
    colours: list[tuple[float, ...]] = []
    materials: dict[str, tuple[float, ...]] = {}
    colour: tuple[float, ...] = GREY
    try:
        for line in path.read_text("utf-8", "replace").splitlines():
            kind, _, rest = line.strip().partition(" ")
            if kind == "v":
                points.append(tuple(float(x) for x in rest.split()[:3]))
            elif kind == "f":
                corners = [_index(word, len(points)) for word in rest.split()]
                fan = [(corners[0], a, b) for a, b in zip(corners[1:], corners[2:], strict=False)]
                triangles += fan
                colours += [colour] * len(fan)
            elif kind == "usemtl":
                colour = materials.get(rest.strip(), GREY)
            elif kind == "mtllib":
                materials.update(_read_materials(path.with_name(rest.strip())))
        cloud = np.array(points, np.float64).reshape(-1, 3)
        corners_of = cloud[np.array(triangles, np.int64).reshape(-1, 3)]
    except (ValueError, IndexError) as error:
        raise CaptureError(
            f"{path} cannot be read ({error}); expected an OBJ model: left out"
        ) from error
    if not 0 < len(corners_of) <= MAX_TRIANGLES:
        raise CaptureError(
            f"{path} has {len(corners_of)} triangles; expected 1 to {MAX_TRIANGLES}: left out"
        )
    low, high = corners_of.min((0, 1)), corners_of.max((0, 1))
    size = float(np.linalg.norm(high - low)) or 1.0
    return Model(
        corners=(corners_of - (low + high) / 2) * 2 / size, colours=np.array(colours, np.float64)
    )


def _index(word: str, count: int) -> int:
    """Zero-based vertex of ``7/2/3``; negative ones count from the end."""
    number = int(word.partition("/")[0])
    index = number - 1 if number > 0 else count + number
    if not 0 <= index < count:
        raise IndexError(f"vertex {number} of {count}")
    return index


def _read_materials(path: Path) -> dict[str, tuple[float, ...]]:
    """Material → rgb 0–255; a missing file gives none, as viewers do."""
    if not path.is_file():
        return {}
    found: dict[str, tuple[float, ...]] = {}
    name = ""
    for line in path.read_text("utf-8", "replace").splitlines():
        kind, _, rest = line.strip().partition(" ")
        if kind == "newmtl":
            name = rest.strip()
        elif kind == "Kd":
            found[name] = tuple(255 * float(x) for x in rest.split()[:3])
        elif kind == "map_Kd":
            picture = path.with_name(rest.split()[-1])
            if picture.is_file() and picture.suffix.lower() in PICTURE_SUFFIXES:
                found[name] = tuple(read_picture(picture)[..., :3].mean((0, 1)).tolist())
    return found


def draw(model: Model, azimuth: float, elevation: float, size_px: int) -> NDArray[np.uint8]:
    """The model in perspective, lit from above left of the camera.

    Args:
        model: what is drawn.
        azimuth: how far the camera went around it, in radians.
        elevation: how far above it looks from, in radians; 0 is level.
        size_px: side of the picture.

    Returns:
        uint8 ``(size_px, size_px, rgba)``, transparent around the model.
    """
    corners = model.corners @ _camera(azimuth, elevation).T
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    # Models wind their triangles either way: both faces are lit alike.
    light = 0.45 + 0.55 * np.abs(normals @ (np.array([-0.4, 0.6, 0.7]) / np.sqrt(1.01)))
    colours = np.clip(model.colours * light[:, None], 0, 255)
    distance = 3.0
    depth = distance - corners[..., 2]
    side = 2 * size_px
    flat = corners[..., :2] / depth[..., None] * distance * np.array([1, -1]) * 0.48 + 0.5
    pixels = np.rint(flat * side * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    canvas = np.zeros((side, side, 4), np.uint8)
    for index in np.argsort(-depth.mean(1)).tolist():
        red, green, blue = colours[index].tolist()
        cv2.fillConvexPoly(
            canvas, pixels[index], (red, green, blue, 255), cv2.LINE_8, _SUBPIXEL_BITS
        )
    return _halved(canvas)


def _camera(azimuth: float, elevation: float) -> NDArray[np.float64]:
    """Rotation of the model before a camera that looks along −z."""
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    around = np.array([[ca, 0, sa], [0, 1, 0], [-sa, 0, ca]])
    over = np.array([[1, 0, 0], [0, ce, -se], [0, se, ce]])
    return np.asarray(over @ around, np.float64)


def _halved(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Half the side, averaged; colours weighted by coverage, so that no dark rim appears."""
    side = len(canvas) // 2
    blocks = canvas.reshape(side, 2, side, 2, 4).astype(np.float64)
    alpha = blocks[..., 3:] / 255
    covered = alpha.sum((1, 3))
    colour = (blocks[..., :3] * alpha).sum((1, 3)) / np.maximum(covered, 1e-9)
    rgba = np.concatenate([colour, covered / 4 * 255], axis=2)
    return np.asarray(np.rint(rgba), np.uint8)
