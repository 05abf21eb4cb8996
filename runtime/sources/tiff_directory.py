"""The first directory of a TIFF block: the layout that TIFF files and EXIF data share.

Source: TIFF 6.0 specification (Adobe, 1992), section 2.
"""

from __future__ import annotations

import struct

ORIENTATION = 274
WIDTH = 256
HEIGHT = 257
STRIP_OFFSETS, STRIP_BYTES = 273, 279
TILE_OFFSETS, TILE_BYTES = 324, 325

_SIZES = {3: (2, "H"), 4: (4, "I")}
"""TIFF field type → bytes and struct letter, for the unsigned integers that we need."""


def read_directory(block: bytes) -> dict[int, tuple[int, ...]]:
    """Read the integer fields of the first directory as tag → values.

    Raises:
        struct.error: the block ends too early.
        ValueError: it does not begin like a TIFF block.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        raise ValueError("no TIFF header")
    (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    fields: dict[int, tuple[int, ...]] = {}
    for index in range(count):
        at = start + 2 + 12 * index
        tag, kind, length = struct.unpack_from(order + "HHI", block, at)
        if kind not in _SIZES:
            continue
        size, letter = _SIZES[kind]
        if size * length > len(block):
            raise struct.error("a TIFF field is longer than the file")
        # Values of up to four bytes stand in the entry itself, longer ones elsewhere.
        where = at + 8
        if size * length > 4:
            (where,) = struct.unpack_from(order + "I", block, at + 8)
        fields[tag] = struct.unpack_from(f"{order}{length}{letter}", block, where)
    return fields


def read_orientation(exif: bytes) -> int:
    """Return the EXIF orientation 1–8; 1 where the block says nothing or is broken.

    A picture whose EXIF data is broken is still a good picture, so this never raises.
    """
    try:
        value = read_directory(exif).get(ORIENTATION, (1,))[:1]
    except (struct.error, ValueError):
        return 1
    return value[0] if value and 1 <= value[0] <= 8 else 1
