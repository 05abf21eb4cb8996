"""The real commands, run in this process, on small pictures and sounds that are made here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import pytest

import headstart
from headstart.cli import main


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command gave: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """stdout, which has to be one line of JSON."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    def failure(self) -> str:
        """The one line on stderr of a command that failed, without its beginning."""
        assert self.code != 0
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("headstart: ")
        return line.removeprefix("headstart: ")


Run = Callable[..., Outcome]
"""Runs one command in this process."""
RunProcess = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs one command in a process of its own; settings go to `subprocess.run`."""


class MakePicture(Protocol):
    """Writes a picture of coloured tiles: the thing decides the tiles, the look their noise."""

    def __call__(self, path: Path, thing: int, look: int = 0) -> Path: ...


class MakeSound(Protocol):
    """Writes a mono WAV file, 16 bit at 16 kHz, with one tone."""

    def __call__(
        self, path: Path, hertz: float, *, loud: float = 0.5, seconds: float = 1.0
    ) -> Path: ...


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_here(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Outcome(code=code, out=said.out, err=said.err)

    return run_here


def _run_process(*arguments: object, **settings: Any) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(headstart.__file__).parents[1]),
        **settings.pop("env", {}),
    }
    return subprocess.run(
        [sys.executable, "-m", "headstart.cli", *map(str, arguments)],
        env=environment,
        text=True,
        timeout=120,
        **settings,
    )


def _picture(path: Path, thing: int, look: int = 0) -> Path:
    tiles = np.random.default_rng(thing).integers(0, 256, (6, 6, 3))
    noise = np.random.default_rng((thing, look)).integers(-15, 16, (96, 96, 3))
    pixels = np.kron(tiles, np.ones((16, 16, 1), np.int64)) + noise
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.clip(pixels, 0, 255).astype(np.uint8))
    return path


def _sound(path: Path, hertz: float, *, loud: float = 0.5, seconds: float = 1.0) -> Path:
    time_s = np.arange(round(seconds * 16_000)) / 16_000
    samples = (loud * 32_767 * np.sin(2 * np.pi * hertz * time_s)).astype("<i2")
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture
def run_process() -> RunProcess:
    return _run_process


@pytest.fixture(scope="session")
def picture() -> MakePicture:
    return _picture


@pytest.fixture(scope="session")
def sound() -> MakeSound:
    return _sound


@pytest.fixture(scope="session")
def mug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One picture."""
    return _picture(tmp_path_factory.mktemp("media") / "mug.png", 1)


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Where a gallery may be made; there is none yet."""
    return tmp_path / "gallery.sqlite"


@pytest.fixture(scope="session")
def _enrolled_once(tmp_path_factory: pytest.TempPathFactory, mug: Path) -> bytes:
    folder = tmp_path_factory.mktemp("enrolled")
    path = folder / "gallery.sqlite"
    second = _picture(folder / "mug-2.png", 1, 1)
    assert main(["enroll", "mug", str(mug), str(second), "--gallery", str(path)]) == 0
    bell = _sound(folder / "bell.wav", 880)
    assert main(["enroll", "bell", str(bell), "--gallery", str(path)]) == 0
    return path.read_bytes()


@pytest.fixture
def enrolled(gallery: Path, _enrolled_once: bytes) -> Path:
    """A gallery with `mug` (samples 1 and 2) and `bell` (sample 3)."""
    gallery.write_bytes(_enrolled_once)
    return gallery
