from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.runtime.demo import storyboard
from headstart.runtime.demo.storyboard import CLIPS


def _clip(file: str, role: str, label: str | None, kind: str, end_s: float) -> dict[str, Any]:
    segment: dict[str, Any] = {
        "start_s": 0.0,
        "end_s": end_s,
        "class": label,
        "kind": kind,
        "thing": "something to hear",
        "modalities": ["audio"],
        "covered": False,
        "view": {},
    }
    return {
        "file": file,
        "role": role,
        "class": label if role == "enrol" else None,
        "tracks": ["audio"],
        "duration_s": end_s,
        "segments": [segment],
    }


def _small_demo(folder: Path, live: str) -> Path:
    """A demo of a guitar, which a few seconds of sound are enough for."""
    folder.mkdir()
    for name in ("enrol-guitar.mp4", "enrol-lights-out.mp4"):
        (folder / name).symlink_to(CLIPS / name)
    clips = [
        _clip("enrol-guitar.mp4", "enrol", "guitar", "enrolled", 5.5),
        _clip("enrol-lights-out.mp4", "background", None, "never enrolled", 5.0),
        _clip(live, "live", "guitar", "enrolled", 5.0),
    ]
    (folder / "storyboard.json").write_text(json.dumps({"schema": 1, "clips": clips}))
    return folder


@pytest.fixture
def hears_guitar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(storyboard, "CLIPS", _small_demo(tmp_path / "clips", "enrol-guitar.mp4"))


@pytest.fixture
def hears_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clips = _small_demo(tmp_path / "clips", "enrol-lights-out.mp4")
    monkeypatch.setattr(storyboard, "CLIPS", clips)


@pytest.mark.usefixtures("hears_guitar")
def test_a_demo_that_reaches_its_goals_shows_table_picture_and_page(
    run: Any, tmp_path: Path
) -> None:
    outcome = run("demo", "--out", tmp_path / "result")

    assert outcome.code == 0
    assert outcome.err == ""
    assert re.search(r"0\.0–5\.0 +something to hear +guitar +\d+% .*✓", outcome.out)
    assert "enrolled things recognised: 1 of 1 (100%, asked: at least 95%)" in outcome.out
    assert sorted(path.name for path in (tmp_path / "result").iterdir()) == [
        "index.html",
        "timeline.svg",
    ]


@pytest.mark.usefixtures("hears_words")
def test_a_demo_that_misses_its_goals_fails_and_still_shows_them(run: Any, tmp_path: Path) -> None:
    outcome = run("demo", "--out", tmp_path / "result")

    assert outcome.code == 1
    assert "✗ wrong" in outcome.out
    assert "the demo missed its goals" in outcome.err
    assert (tmp_path / "result" / "index.html").is_file()


@pytest.mark.usefixtures("hears_guitar")
def test_json_holds_figures_segments_and_where_the_page_is(run: Any, tmp_path: Path) -> None:
    result = run("demo", "--out", tmp_path / "result", "--json").json()

    assert result["ok"] is True
    assert result["counts"]["enrolled"] == {"right": 1, "of": 1, "share": 1.0, "goal": 0.95}
    assert result["counts"]["never_enrolled"]["goal"] == 0.9
    assert [segment["said"] for segment in result["segments"]] == [["guitar"]]
    assert [enrolled["name"] for enrolled in result["enrolled"]] == ["guitar"]
    assert result["adapt_ms"] > 0 and result["decision_ms"] > 0
    assert Path(result["page"]).is_file()


@pytest.mark.usefixtures("hears_guitar")
def test_the_user_s_own_gallery_is_left_alone(run: Any, enrolled: Path, tmp_path: Path) -> None:
    before = enrolled.read_bytes()

    run("demo", "--out", tmp_path / "result", "--gallery", enrolled)

    assert enrolled.read_bytes() == before


@pytest.mark.usefixtures("hears_guitar")
def test_the_page_is_opened_on_request(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)

    run("demo", "--out", tmp_path / "result", "--open")

    assert opened == [(tmp_path / "result" / "index.html").as_uri()]


def _with_a_camera(answers: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "headstart.cli", "demo", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(Path(headstart.__file__).parents[1])},
        input=answers,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_with_a_camera_the_person_names_things_and_sees_them_recognised() -> None:
    outcome = _with_a_camera(
        "red multimeter\n\n\n", "--camera", CLIPS / "enrol-multimeter.mp4", "--json"
    )

    events = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert outcome.returncode == 0, outcome.stderr
    assert {event["label"] for event in events} == {"red multimeter"}
    assert "taught red multimeter from 5 samples (image and audio)" in outcome.stderr


def test_without_a_name_there_is_nothing_to_recognise() -> None:
    outcome = _with_a_camera("\n", "--camera", CLIPS / "enrol-multimeter.mp4")

    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert outcome.stderr.endswith("nothing was taught, so there is nothing to recognise\n")


def test_when_nobody_answers_it_stops() -> None:
    outcome = _with_a_camera("", "--camera", CLIPS / "enrol-multimeter.mp4")

    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert "stopped; nothing was changed" in outcome.stderr
