"""Reading Qt's resource containers."""

from __future__ import annotations

import struct
import zlib

import pytest

from headstart.runtime.errors import ArtifactError
from headstart.training.demo_clips.qt_resources import read_resource


def container(files: dict[str, bytes], *, flags: int = 0) -> bytes:
    """A container of version 2 with these files in one folder called ``f``."""
    names, name_at = b"", {}
    for name in ["f", *files]:
        name_at[name] = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    data, nodes = b"", []
    nodes.append(struct.pack(">IHIIQ", 0, 2, 1, 1, 0))
    nodes.append(struct.pack(">IHIIQ", name_at["f"], 2, len(files), 2, 0))
    for name, body in files.items():
        nodes.append(struct.pack(">IHHHIQ", name_at[name], flags, 0, 0, len(data), 0))
        data += struct.pack(">I", len(body)) + body
    tree = b"".join(nodes)
    header = struct.pack(">4s4i", b"qres", 2, 20, 20 + len(tree), 20 + len(tree) + len(data))
    return header + tree + data + names


def test_a_file_is_found_by_its_path() -> None:
    packed = container({"a.webp": b"first", "b.webp": b"second"})
    assert read_resource(packed, "f/b.webp") == b"second"


def test_a_compressed_file_is_unpacked() -> None:
    body = struct.pack(">I", 500) + zlib.compress(b"x" * 500)
    assert read_resource(container({"a": body}, flags=1), "f/a") == b"x" * 500


def test_a_zstd_file_is_refused() -> None:
    with pytest.raises(ArtifactError, match="compressed with zstd; expected zlib"):
        read_resource(container({"a": b"x"}, flags=4), "f/a")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ArtifactError, match=r"holds no 'f/c' \(stopped at 'c'\)"):
        read_resource(container({"a": b"x"}), "f/c")


def test_another_kind_of_file_is_refused() -> None:
    with pytest.raises(ArtifactError, match="does not start with 'qres'"):
        read_resource(b"RIFF" + bytes(40), "f/a")
