"""What a picture file says about itself, and whether all of it is there.

Decoders differ in what they do with a picture that is cut off: some return it half grey, some
print a warning, some return nothing. So the structure is checked here, before any decoder sees it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from headstart.runtime.sources.tiff_directory import (
    HEIGHT,
    STRIP_BYTES,
    STRIP_OFFSETS,
    TILE_BYTES,
    TILE_OFFSETS,
    WIDTH,
    read_directory,
    read_orientation,
)

FORMATS = "JPEG, PNG, WebP, BMP or TIFF"


class PictureDamage(Exception):
    """The bytes are not a whole picture; the text says why, after "the picture …"."""


@dataclass(frozen=True, kw_only=True)
class PictureHeader:
    """Facts from a picture's header.

    Args:
        width: pixels, before the orientation is applied.
        height: pixels, before the orientation is applied.
        orientation: EXIF orientation 1–8 that the reader must apply; 1 is upright.
    """

    width: int
    height: int
    orientation: int = 1


def check_picture(data: bytes) -> PictureHeader:
    """Read the header of a picture and check that the file is whole.

    Raises:
        PictureDamage: no known format, cut off, or damaged.
    """
    for magic, check in _CHECKS:
        if magic.match(data):
            try:
                return check(data)
            except struct.error:
                raise PictureDamage("is cut off in its header") from None
    if data[4:8] == b"ftyp":
        raise PictureDamage(f"is HEIC, AVIF or video; expected {FORMATS}")
    raise PictureDamage(f"holds no picture that we know; expected {FORMATS}")


_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A marker inside entropy-coded data; 00 is stuffing, D0–D7 restart marks, FF fill."""


def _check_jpeg(data: bytes) -> PictureHeader:
    """Walk the segments (ITU-T T.81, annex B) to the end marker; bytes after it are ignored."""
    size: tuple[int, int] | None = None
    orientation, at = 1, 2
    while True:
        found = _JPEG_MARKER.search(data, at)
        if found is None:
            raise PictureDamage("is cut off: the JPEG has no end marker")
        at, marker = found.end(), data[found.end() - 1]
        if marker == 0xD9:
            break
        if marker == 0x01:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if at + length > len(data):
            raise PictureDamage("is cut off inside a JPEG segment")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 3)
            size = (width, height)
        elif marker == 0xE1 and data[at + 2 : at + 8] == b"Exif\0\0":
            orientation = read_orientation(data[at + 8 : at + length])
        at += length
    if size is None:
        raise PictureDamage("is damaged: the JPEG has no frame header")
    return PictureHeader(width=size[0], height=size[1], orientation=orientation)


def _check_png(data: bytes) -> PictureHeader:
    """Walk the chunks with their checksums (PNG specification, third edition, section 5)."""
    size, orientation, at = (0, 0), 1, 8
    while True:
        if at + 12 > len(data):
            raise PictureDamage("is cut off: the PNG has no end chunk")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise PictureDamage("is cut off inside a PNG chunk")
        body = memoryview(data)[at + 4 : end]
        if zlib.crc32(body) != struct.unpack_from(">I", data, end)[0]:
            raise PictureDamage("is damaged: a PNG checksum does not match")
        if kind == b"IHDR":
            size = struct.unpack_from(">II", data, at + 8)
        elif kind == b"eXIf":
            orientation = read_orientation(data[at + 8 : end])
        elif kind == b"IEND":
            return PictureHeader(width=size[0], height=size[1], orientation=orientation)
        at = end + 4


def _check_webp(data: bytes) -> PictureHeader:
    """Walk the RIFF chunks (WebP Container Specification)."""
    (riff_size,) = struct.unpack_from("<I", data, 4)
    if riff_size + 8 > len(data):
        raise PictureDamage("is cut off: the WebP file is shorter than its header says")
    size: tuple[int, int] | None = None
    orientation, at = 1, 12
    while at + 8 <= riff_size + 8:
        kind, length = struct.unpack_from("<4sI", data, at)
        body = at + 8
        if body + length > len(data):
            raise PictureDamage("is cut off inside a WebP chunk")
        if kind == b"VP8X" and size is None:
            packed = int.from_bytes(data[body + 4 : body + 10], "little")
            size = ((packed & 0xFFFFFF) + 1, (packed >> 24) + 1)
        elif kind == b"VP8 " and size is None:
            width, height = struct.unpack_from("<HH", data, body + 6)
            size = (width & 0x3FFF, height & 0x3FFF)
        elif kind == b"VP8L" and size is None:
            (packed,) = struct.unpack_from("<I", data, body + 1)
            size = ((packed & 0x3FFF) + 1, ((packed >> 14) & 0x3FFF) + 1)
        elif kind == b"EXIF":
            orientation = read_orientation(data[body : body + length].removeprefix(b"Exif\0\0"))
        at = body + length + length % 2
    if size is None:
        raise PictureDamage("is damaged: the WebP file holds no picture chunk")
    return PictureHeader(width=size[0], height=size[1], orientation=orientation)


def _check_bmp(data: bytes) -> PictureHeader:
    """Compare the length with what rows of that size need (BITMAPINFOHEADER)."""
    file_size, _, _, pixels_at, header_size = struct.unpack_from("<IHHII", data, 2)
    if header_size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packed = False
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        packed = compression not in (0, 3, 6)
    row_bytes = (max(width, 0) * bits + 31) // 32 * 4
    needed = file_size if packed else pixels_at + row_bytes * abs(height)
    if needed > len(data):
        raise PictureDamage("is cut off: the BMP file is shorter than its header says")
    return PictureHeader(width=width, height=abs(height))


def _check_tiff(data: bytes) -> PictureHeader:
    """Check that every strip or tile of the first page lies inside the file.

    The orientation stays 1: the decoder applies a TIFF file's own.
    """
    fields = read_directory(data)
    offsets = fields.get(STRIP_OFFSETS) or fields.get(TILE_OFFSETS) or ()
    lengths = fields.get(STRIP_BYTES) or fields.get(TILE_BYTES) or ()
    if not offsets or len(offsets) != len(lengths):
        raise PictureDamage("is damaged: the TIFF file lists no pixels")
    if max(a + b for a, b in zip(offsets, lengths, strict=True)) > len(data):
        raise PictureDamage("is cut off: the TIFF file ends before its pixels do")
    width, height = fields.get(WIDTH, (0,))[0], fields.get(HEIGHT, (0,))[0]
    return PictureHeader(width=width, height=height)


_CHECKS: tuple[tuple[re.Pattern[bytes], Callable[[bytes], PictureHeader]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), _check_jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _check_png),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _check_webp),
    (re.compile(rb"BM"), _check_bmp),
    (re.compile(rb"II\*\0|MM\0\*"), _check_tiff),
)
