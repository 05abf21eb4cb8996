"""Whether a sound or video file is whole, from its container's own sizes.

Demuxers read a file that was cut off up to the cut and then report a normal end. Most containers
say how long they are, so a cut shows before anything is decoded. MP3, Ogg and MPEG-TS do not say:
there a cut-off file is a shorter file.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)
"""What programs write that record into a pipe and cannot go back to fill in the size."""


class ContainerDamage(Exception):
    """The file is not whole; the text says why, after the file's name."""


def check_whole(path: Path) -> None:
    """Compare what the container promises with the file's length.

    Knows RIFF (WAV, AVI), ISO media (MP4, MOV, M4A, 3GP) and Matroska (MKV, WebM); other formats
    pass.

    Raises:
        ContainerDamage: empty or cut off.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size == 0:
        raise ContainerDamage("is empty (0 bytes)")
    with path.open("rb") as file:
        start = file.read(12)
        try:
            if start[:4] == b"RIFF":
                _check_riff(file, size, is_wave=start[8:12] == b"WAVE")
            elif start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
                _check_iso(file, size)
            elif start[:4] == b"\x1a\x45\xdf\xa3":
                _check_matroska(file, size)
        except struct.error:
            raise ContainerDamage("is cut off inside its header") from None


def _check_riff(file: BinaryIO, size: int, *, is_wave: bool) -> None:
    """Walk the chunks: inside the one RIFF of a WAV file, or the one or more of an AVI file."""
    at = 12 if is_wave else 0
    while at < size:
        file.seek(at)
        kind, length = struct.unpack("<4sI", file.read(8))
        if length not in UNKNOWN_RIFF_SIZES and at + 8 + length > size:
            raise ContainerDamage(
                f"is cut off: its header promises {at + 8 + length} bytes and {size} are there"
            )
        if is_wave and kind == b"data":
            # Programs disagree about what may follow; the sound itself is all there.
            return
        if length == UNKNOWN_RIFF_SIZES[1]:
            return
        at += 8 + length + length % 2
        if size - at < 8:
            break
    if is_wave:
        raise ContainerDamage("is cut off: the WAV file has no data chunk")


def _check_iso(file: BinaryIO, size: int) -> None:
    """Walk the top-level boxes (ISO/IEC 14496-12, section 4.2)."""
    at, kinds = 0, set()
    while at < size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        elif length == 0:
            length = size - at
        if length < 8 or at + length > size:
            raise ContainerDamage(
                f"is cut off: its last box should end at byte {at + length} and the file has {size}"
            )
        kinds.add(kind)
        at += length
    if b"moov" not in kinds:
        raise ContainerDamage("is cut off: the recording was never finished, its index is missing")


def _check_matroska(file: BinaryIO, size: int) -> None:
    """Compare the Segment's size with the file's (RFC 8794 and RFC 9559)."""
    file.seek(4)
    header_length = _read_vint(file)
    file.seek(header_length or 0, 1)
    if file.read(4) != b"\x18\x53\x80\x67":
        raise ContainerDamage("is cut off inside its header")
    length = _read_vint(file)
    if length is not None and file.tell() + length > size:
        raise ContainerDamage(
            f"is cut off: its header promises {file.tell() + length} bytes and {size} are there"
        )


def _read_vint(file: BinaryIO) -> int | None:
    """Read an EBML size; None for "unknown", which live recordings carry."""
    (first,) = struct.unpack("B", file.read(1))
    if first == 0:
        raise ContainerDamage("is damaged: a Matroska size is not valid")
    length = 9 - int(first).bit_length()
    bits = 7 * length
    value = int.from_bytes(bytes([first]) + file.read(length - 1), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
