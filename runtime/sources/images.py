"""Picture files as frames: any resolution, depth, colour model and orientation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import Frame
from headstart.runtime.sources.picture_formats import PictureDamage, PictureHeader, check_picture

MIN_SIDE_PX = 16
"""Smaller pictures show nothing that an encoder could tell apart."""

MAX_PIXELS = 100_000_000
"""About 300 MB as RGB. Larger ones are refused before they are decoded (decompression bombs)."""

MAX_FILE_BYTES = 256 * 2**20


def read_image(path_or_bytes: str | Path | bytes) -> Frame:
    """Decode one picture: JPEG, PNG, WebP, BMP or TIFF.

    EXIF orientation is applied. Grey, palette and CMYK become RGB; 16-bit values are taken as
    full range and scaled to 8 bits; transparent pictures are laid on white, the background that
    product pictures are cut out for.

    Returns:
        The frame: uint8 ``(height, width, rgb)``, ``time_s`` None.

    Raises:
        CaptureError: missing, empty, cut off, damaged, not a picture, smaller than ``MIN_SIDE_PX``
            on a side, or larger than ``MAX_PIXELS`` or ``MAX_FILE_BYTES``.
    """
    if isinstance(path_or_bytes, bytes):
        return _decode(path_or_bytes, "the picture")
    path = Path(path_or_bytes)
    return _decode(_read_bytes(path), str(path))


def check_size(width: int, height: int, name: str) -> None:
    """Refuse pictures too small to show anything or too large for memory.

    Raises:
        CaptureError: outside the limits.
    """
    if min(width, height) < MIN_SIDE_PX:
        raise CaptureError(
            f"{name} is {width}×{height} px; expected at least {MIN_SIDE_PX} px on each side: use"
            " a larger picture"
        )
    if width * height > MAX_PIXELS:
        raise CaptureError(
            f"{name} is {width}×{height} px; expected at most {MAX_PIXELS // 1_000_000} million"
            " pixels: scale it down first"
        )


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        found = "is a folder or device" if path.exists() else "does not exist"
        raise CaptureError(f"{path} {found}; expected a picture file: check the path")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CaptureError(
                f"{path} is larger than {MAX_FILE_BYTES // 2**20} MiB; expected a photograph:"
                " scale it down first"
            )
        return path.read_bytes()
    except OSError as error:
        raise CaptureError(
            f"{path} cannot be read ({error.strerror}); expected a readable file: check its"
            " permissions and the disk"
        ) from error


def _decode(data: bytes, name: str) -> Frame:
    if not data:
        raise CaptureError(f"{name} is empty (0 bytes); expected a picture: copy or take it again")
    try:
        header = check_picture(data)
    except PictureDamage as damage:
        raise CaptureError(
            f"{name} {damage}: copy or take the picture again, or convert it to JPEG or PNG"
        ) from damage
    check_size(header.width, header.height, name)
    return Frame(pixels=_oriented(_to_rgb(_pixels(data, name), name), header))


def _pixels(data: bytes, name: str) -> NDArray[Any]:
    """Decode as stored: 8- or 16-bit, grey, BGR or BGRA; unrotated but for TIFF."""
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise _undecodable(name) from error
    if pixels is None:
        raise _undecodable(name)
    return pixels


def _undecodable(name: str) -> CaptureError:
    return CaptureError(
        f"{name} cannot be decoded; expected an undamaged picture: save it again as JPEG or PNG"
    )


def _to_rgb(pixels: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Turn stored pixels into uint8 ``(height, width, rgb)``."""
    import cv2

    if pixels.dtype == np.uint16:
        # 65535 / 257 = 255 exactly; convertScaleAbs rounds.
        pixels = cv2.convertScaleAbs(pixels, alpha=1 / 257)
    if pixels.dtype != np.uint8:
        raise CaptureError(
            f"{name} holds {pixels.dtype} values; expected 8 or 16 bits a channel: save it as an"
            " 8-bit picture"
        )
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8)
    if pixels.shape[2] == 4:
        return _on_white(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA), np.uint8))
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay ``(height, width, rgba)`` on white: ``(c·a + 255·(255 − a)) / 255``, rounded."""
    alpha = rgba[..., 3:].astype(np.uint16)
    # At most 255·255 + 127 = 65152: fits 16 bits.
    mixed = rgba[..., :3] * alpha + 255 * (255 - alpha) + 127
    return (mixed // 255).astype(np.uint8)


def _oriented(pixels: NDArray[np.uint8], header: PictureHeader) -> NDArray[np.uint8]:
    """Apply the EXIF orientation (Exif 2.3, section 4.6.4, tag 274)."""
    if header.orientation in (2, 3, 7, 8):
        pixels = pixels[:, ::-1]
    if header.orientation in (3, 4, 6, 7):
        pixels = pixels[::-1]
    if header.orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    return np.ascontiguousarray(pixels)
