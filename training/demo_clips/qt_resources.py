"""Reads Qt resource files (``.rcc``), the containers in which GCompris ships its pictures.

The format is Qt's own (qtbase, ``src/corelib/io/qresource.cpp``, and the ``rcc`` tool's output): a
header, a tree of fixed-size nodes, a block of names in UTF-16 and a block of length-prefixed data.
"""

from __future__ import annotations

import struct
import zlib

from headstart.runtime.errors import ArtifactError

_ZLIB, _FOLDER, _ZSTD = 1, 2, 4


def read_resource(container: bytes, path: str) -> bytes:
    """The bytes of one file inside a resource container.

    Args:
        container: the whole ``.rcc`` file.
        path: the file's path inside it, without a leading slash.

    Raises:
        ArtifactError: this is no resource container, or it holds no such file.
    """
    if container[:4] != b"qres":
        raise ArtifactError(
            "a resource container does not start with 'qres'; expected a Qt .rcc file: fetch the"
            " package again"
        )
    version, tree, data, names = struct.unpack(">4i", container[4:20])
    node_size = 14 if version < 2 else 22
    node = 0
    for part in path.split("/"):
        flags, first, second = _node(container, tree + node * node_size)
        children = range(second, second + first) if flags & _FOLDER else range(0)
        named = {_name(container, tree + c * node_size, names): c for c in children}
        if part not in named:
            raise ArtifactError(
                f"the resource container holds no {path!r} (stopped at {part!r}); expected the"
                " package version that catalogue.py names: fetch that one"
            )
        node = named[part]
    flags, _, offset = _node(container, tree + node * node_size)
    start = data + offset
    (length,) = struct.unpack(">I", container[start : start + 4])
    body = container[start + 4 : start + 4 + length]
    if flags & _ZSTD:
        raise ArtifactError(f"{path!r} is compressed with zstd; expected zlib or nothing")
    # Qt puts the uncompressed size, four bytes, before the zlib stream.
    return zlib.decompress(body[4:]) if flags & _ZLIB else body


def _node(container: bytes, at: int) -> tuple[int, int, int]:
    """Flags, then (child count, first child) for a folder or (locale, data offset) for a file."""
    flags, first, second = struct.unpack(">HII", container[at + 4 : at + 14])
    return flags, first, second


def _name(container: bytes, at: int, names: int) -> str:
    (offset,) = struct.unpack(">I", container[at : at + 4])
    start = names + offset
    (length,) = struct.unpack(">H", container[start : start + 2])
    # Two bytes of length and four of hash stand before the text.
    return container[start + 6 : start + 6 + 2 * length].decode("utf-16-be")
