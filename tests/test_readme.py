"""README's commands and its Python program, run as they stand there."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from headstart.cli import main
from headstart.runtime.demo.storyboard import CLIPS

README = Path(__file__).parents[1] / "README.md"

NOT_RUN = {
    "make demo": "`headstart demo` is tested in tests/cli/test_demo.py",
    "make test": "it is running",
    "headstart run --camera 0 --mic default --json": "there need be no camera and no microphone",
}
"""Commands that are left out → why."""

COMPLETED = {
    "headstart forget cup": "--yes",  # nobody is there to be asked
    "headstart eval DATA --ways 5 --shots 5 --unknown-ways 5": "--episodes 2 --no-cache",
}
"""What a command gets besides, so that it runs alone and fast."""


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text("utf-8"), re.M | re.S)


def _commands() -> list[str]:
    lines = [line.partition("#")[0] for block in _blocks("sh") for line in block.splitlines()]
    return [command.strip() for line in lines for command in line.split(";") if command.strip()]


def _picture(path: Path, thing: int, look: int) -> None:
    tiles = np.random.default_rng(thing).integers(0, 256, (6, 6, 3), np.uint8)
    pixels = cv2.resize(tiles, (96 + look, 96), interpolation=cv2.INTER_NEAREST)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that README speaks of; the working folder, and a home of its own."""
    for look in (1, 2):
        _picture(tmp_path / f"photos/mug-{look}.jpg", 0, look)
    _picture(tmp_path / "photos/shelf/books.jpg", 11, 0)
    for thing in range(10):
        for look in range(6):
            _picture(tmp_path / f"DATA/thing-{thing}/{look}.jpg", thing, look)
    (tmp_path / "sounds").mkdir()
    _write_bell(tmp_path / "sounds/bell.wav")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path


def _write_bell(path: Path) -> None:
    import wave

    time_s = np.arange(24_000) / 16_000
    ring = 0.5 * np.sin(2 * np.pi * 880 * time_s) * np.exp(-3 * time_s)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((32_767 * ring).astype("<i2").tobytes())


def test_every_command_can_be_run_in_the_order_of_the_page(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = []
    for command in _commands():
        if command in NOT_RUN:
            continue
        program, *arguments = shlex.split(f"{command} {COMPLETED.get(command, '')}")
        assert program == "headstart", command
        assert main(arguments) == 0, (command, capsys.readouterr().err)
        done.append(arguments[0])

    assert done == ["doctor", "enroll", "calibrate", "classes", "rename", "forget", "eval"]


def test_the_exceptions_are_commands_of_the_page() -> None:
    assert {*NOT_RUN, *COMPLETED} <= {*_commands()}


def test_the_program_recognises_what_a_clip_shows(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = _blocks("python")
    devices = 'open_source(0, mic="default")'
    assert devices in program
    clip = place / "program.py"
    clip.write_text(
        program.replace(devices, f"open_source({str(CLIPS / 'live.mp4')!r}, rate_hz=1)")
    )

    runpy.run_path(str(clip))

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 60
    assert all(re.match(r"(unknown|mug|bell) \d+% \{.*\}$", line) for line in lines)
    assert "ten lines" in README.read_text("utf-8").lower()
    assert len([line for line in program.splitlines() if line.strip()]) <= 10
