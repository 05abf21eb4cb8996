"""Bad files, galleries and bundles: exit code 1, one line, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headstart.bundles import STARTER_PATH

if TYPE_CHECKING:
    from tests.cli.conftest import MakePicture, MakeSound, Run


def _cut(source: Path, target: Path) -> Path:
    content = source.read_bytes()
    target.write_bytes(content[: len(content) // 2])
    return target


def _float_wav(path: Path, value: float) -> Path:
    """A WAV file of 32-bit floats, all alike."""
    data = struct.pack("<f", value) * 16_000
    layout = struct.pack("<IHHIIHH", 16, 3, 1, 16_000, 64_000, 4, 32)
    body = b"WAVEfmt " + layout + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.fixture
def bad_media(
    picture: MakePicture, sound: MakeSound, tmp_path: Path
) -> dict[str, Callable[[], Path]]:
    def text_named_jpg() -> Path:
        (tmp_path / "note.jpg").write_text("this is a text\n" * 100)
        return tmp_path / "note.jpg"

    def empty_folder() -> Path:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "notes.txt").write_text("no media")
        return tmp_path / "folder"

    def empty_file() -> Path:
        (tmp_path / "empty.wav").touch()
        return tmp_path / "empty.wav"

    whole = tmp_path / "whole"
    return {
        "missing": lambda: tmp_path / "missing.jpg",
        "folder without media": empty_folder,
        "text named jpg": text_named_jpg,
        "cut jpeg": lambda: _cut(picture(whole / "a.jpg", 1), tmp_path / "cut.jpg"),
        "cut png": lambda: _cut(picture(whole / "a.png", 1), tmp_path / "cut.png"),
        "cut wav": lambda: _cut(sound(whole / "a.wav", 440), tmp_path / "cut.wav"),
        "empty sound": empty_file,
        "silent sound": lambda: sound(tmp_path / "silent.wav", 440, loud=0.0),
        "not a number": lambda: _float_wav(tmp_path / "nan.wav", float("nan")),
    }


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "missing.jpg does not exist; expected a media file"),
        ("folder without media", "folder holds no media; expected pictures, sounds or videos"),
        ("text named jpg", "note.jpg"),
        ("cut jpeg", "cut.jpg is cut off"),
        ("cut png", "cut.png is cut off"),
        ("cut wav", "cut.wav"),
        ("empty sound", "empty.wav"),
        ("silent sound", "silent.wav is silent from start to end"),
        ("not a number", "nan.wav"),
    ],
)
def test_a_file_that_cannot_be_used_enrols_nothing(
    run: Run,
    bad_media: dict[str, Callable[[], Path]],
    enrolled: Path,
    kind: str,
    said: str,
) -> None:
    before = run("classes", "--samples", "--gallery", enrolled).out

    outcome = run("enroll", "mug", bad_media[kind](), "--gallery", enrolled)

    assert outcome.code == 1
    assert said in outcome.failure()
    assert run("classes", "--samples", "--gallery", enrolled).out == before


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (("--camera", "97"), "camera 97 is not there; expected "),
        (("--camera", "/dev/video97"), "camera /dev/video97 is not there; expected "),
        (("--mic", "no such microphone"), "expected "),
    ],
    ids=["camera number", "camera file", "microphone"],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="device files are Linux's")
def test_a_device_that_is_not_there_enrols_nothing(
    run: Run, gallery: Path, device: tuple[str, str], said: str
) -> None:
    outcome = run("enroll", "mug", *device, "--gallery", gallery)

    assert outcome.code == 1
    assert said in outcome.failure()


def test_without_portaudio_the_way_to_get_it_is_named(
    run: Run, gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)

    outcome = run("enroll", "mug", "--mic", "default", "--gallery", gallery)

    assert outcome.code == 1
    assert "is not installed; expected it for microphones: run " in outcome.failure()


_COMMANDS = [
    ("classes",),
    ("history",),
    ("rollback",),
    ("rename", "mug", "cup"),
    ("forget", "mug", "--yes"),
    ("enroll", "mug", "MUG"),
]


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda words: words[0])
def test_a_file_that_is_no_gallery_is_left_as_it_is(
    run: Run, mug: Path, gallery: Path, command: tuple[str, ...]
) -> None:
    gallery.write_text("dear diary, " * 500)

    outcome = run(*(mug if word == "MUG" else word for word in command), "--gallery", gallery)

    assert outcome.code == 1
    assert outcome.failure().endswith(
        "is not a gallery; expected an SQLite file made by Headstart: check the path"
    )
    assert gallery.read_text() == "dear diary, " * 500


@pytest.mark.parametrize("command", _COMMANDS[:5], ids=lambda words: words[0])
def test_a_mistyped_gallery_path_makes_no_gallery(
    run: Run, gallery: Path, command: tuple[str, ...]
) -> None:
    outcome = run(*command, "--gallery", gallery)

    assert outcome.code == 1
    assert "there is no gallery at " in outcome.failure()
    assert not gallery.exists()


def test_a_gallery_of_a_newer_schema_asks_for_an_update(
    run: Run, mug: Path, enrolled: Path
) -> None:
    with sqlite3.connect(enrolled) as db:
        db.execute("PRAGMA user_version = 1000")
    db.close()

    outcome = run("enroll", "mug", mug, "--gallery", enrolled)

    assert outcome.code == 1
    assert "newer" in outcome.failure()


def test_a_locked_gallery_is_said_and_kept(run: Run, enrolled: Path) -> None:
    db = sqlite3.connect(enrolled, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    try:
        outcome = run("rename", "mug", "cup", "--gallery", enrolled)
    finally:
        db.execute("ROLLBACK")
        db.close()

    assert outcome.code == 1
    assert "is locked by another process; nothing was changed" in outcome.failure()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_gallery_is_said(run: Run, enrolled: Path) -> None:
    enrolled.chmod(0o400)

    outcome = run("rename", "mug", "cup", "--gallery", enrolled)

    assert outcome.code == 1
    assert "gallery" in outcome.failure()


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the starter bundle, to be broken."""
    return shutil.copytree(STARTER_PATH, tmp_path / "bundle")


def _edit(bundle: Path, change: Callable[[dict[str, object]], None]) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    change(manifest)
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def _wrong_hash(bundle: Path) -> None:
    with (bundle / "speech.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"damaged")


def _missing_file(bundle: Path) -> None:
    (bundle / "head.safetensors").unlink()


def _leaves_the_folder(bundle: Path) -> None:
    _edit(bundle, lambda manifest: manifest.update(head="../head.safetensors"))


def _newer_schema(bundle: Path) -> None:
    _edit(bundle, lambda manifest: manifest.update(schema_version=99))


def _link_out(bundle: Path) -> None:
    (bundle / "speech.onnx").unlink()
    (bundle / "speech.onnx").symlink_to(STARTER_PATH / "speech.onnx")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_wrong_hash, "'speech.onnx' has sha256 "),
        (_missing_file, "'head.safetensors' is missing"),
        (_leaves_the_folder, "wrong at head"),
        (_newer_schema, "has schema 99; this version reads up to 1: update headstart"),
        (_link_out, "which is a symbolic link; expected plain files only"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_damaged_bundle_is_never_used(
    run: Run, mug: Path, gallery: Path, bundle: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(bundle)

    for command in (("enroll", "mug", mug), ("bundle", "info"), ("bundle", "verify")):
        outcome = run(*command, "--bundle", bundle, "--gallery", gallery)
        assert outcome.code == 1
        assert said in outcome.failure()
    assert not gallery.exists()


def test_a_zip_whose_names_leave_it_is_never_used(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../manifest.json", "{}")

    outcome = run("bundle", "verify", path)

    assert outcome.code == 1
    assert "'../manifest.json'; expected plain files directly in the zip" in outcome.failure()


def test_the_terminal_never_gets_a_path_s_control_characters(run: Run, gallery: Path) -> None:
    outcome = run("enroll", "mug", "\x1b]0;owned\x07\n.jpg", "--gallery", gallery)

    assert outcome.code == 1
    assert outcome.failure().startswith(r"\x1b]0;owned\x07\n.jpg does not exist")
