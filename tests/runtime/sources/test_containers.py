"""A recording that was cut off is recognised from its container's own sizes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.runtime.sources.containers import ContainerDamage, check_whole


def box(kind: bytes, size: int) -> bytes:
    return struct.pack(">I4s", 8 + size, kind) + bytes(size)


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body


MP4 = box(b"ftyp", 16) + box(b"mdat", 500) + box(b"moov", 100)
LARGE_MP4 = box(b"ftyp", 16) + struct.pack(">I4sQ", 1, b"mdat", 516) + bytes(500) + box(b"moov", 50)
WAV = chunk(b"RIFF", b"WAVE" + chunk(b"fmt ", bytes(16)) + chunk(b"data", bytes(301)))
AVI = chunk(b"RIFF", b"AVI " + bytes(500)) + chunk(b"RIFF", b"AVIX" + bytes(300))
MKV = b"\x1a\x45\xdf\xa3\x84" + bytes(4) + b"\x18\x53\x80\x67\x42\x00" + bytes(512)
LIVE_MKV = b"\x1a\x45\xdf\xa3\x84" + bytes(4) + b"\x18\x53\x80\x67\xff" + bytes(512)
WHOLE = {"mp4": MP4, "large mp4": LARGE_MP4, "wav": WAV, "avi": AVI, "mkv": MKV}


def check(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    check_whole(path)


@pytest.mark.parametrize("data", [*WHOLE.values(), LIVE_MKV], ids=[*WHOLE, "mkv of unknown length"])
def test_a_whole_recording_passes(tmp_path: Path, data: bytes) -> None:
    check(tmp_path / "a", data)


@pytest.mark.parametrize("kind", ["mp4", "large mp4", "wav", "mkv"])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_recording_cut_off_after_its_first_bytes_is_refused(
    tmp_path_factory: pytest.TempPathFactory, kind: str, share: float
) -> None:
    data = WHOLE[kind]
    cut = 12 + int(share * (len(data) - 12))
    with pytest.raises(ContainerDamage, match="cut off"):
        check(tmp_path_factory.getbasetemp() / "cut", data[:cut])


@pytest.mark.parametrize("cut", [100, 511, 600, 819])
def test_an_avi_cut_off_in_either_part_is_refused(tmp_path: Path, cut: int) -> None:
    with pytest.raises(ContainerDamage, match=r"promises \d+ bytes and \d+ are there"):
        check(tmp_path / "a", AVI[:cut])


def test_a_recording_that_was_never_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContainerDamage, match="never finished, its index is missing"):
        check(tmp_path / "a", box(b"ftyp", 16) + box(b"mdat", 500))


def test_a_box_that_runs_to_the_end_is_whole(tmp_path: Path) -> None:
    check(tmp_path / "a", box(b"moov", 50) + struct.pack(">I4s", 0, b"mdat") + bytes(99))


def test_bytes_after_the_sound_do_not_matter(tmp_path: Path) -> None:
    check(tmp_path / "a", WAV + b"ID3")


def test_the_pad_byte_of_odd_sound_may_be_missing(tmp_path: Path) -> None:
    check(tmp_path / "a", WAV)  # 301 bytes of sound and no pad byte


def test_formats_without_sizes_pass(tmp_path: Path) -> None:
    check(tmp_path / "a", b"OggS" + bytes(50))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContainerDamage, match=r"is empty \(0 bytes\)"):
        check(tmp_path / "a", b"")
