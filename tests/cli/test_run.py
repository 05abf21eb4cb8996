from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.runtime.demo.storyboard import CLIPS

_FIELDS = (
    "type id time_s source label score probability unknown streams top latency_ms dropped"
).split()


def _lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_still_picture_is_one_line_with_the_agreed_fields(
    run: Any, enrolled: Path, mug: Path
) -> None:
    outcome = run("run", mug, "--gallery", enrolled, "--json")

    (event,) = _lines(outcome.out)
    assert outcome.code == 0
    assert list(event) == _FIELDS
    assert (event["type"], event["label"], event["unknown"]) == ("new", "mug", False)
    assert event["time_s"] is None
    assert event["source"] == str(mug)
    assert sum(event["streams"].values()) == pytest.approx(1, abs=1e-3)


def test_a_folder_is_one_line_for_each_item(
    run: Any, enrolled: Path, picture: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    for thing in (1, 8, 9):
        picture(folder / f"{thing}.png", thing, look=5)

    outcome = run("run", folder, "--gallery", enrolled, "--json")

    events = _lines(outcome.out)
    assert [Path(event["source"]).name for event in events] == ["1.png", "8.png", "9.png"]
    assert [event["id"].split("-")[1] for event in events] == ["1", "2", "3"]


def test_a_damaged_picture_is_named_and_the_rest_is_answered(
    run: Any, enrolled: Path, picture: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    whole = picture(folder / "a.png", 1)
    (folder / "b.png").write_bytes(whole.read_bytes()[:200])

    outcome = run("run", folder, "--gallery", enrolled, "--json")

    assert outcome.code == 0
    assert len(_lines(outcome.out)) == 1
    assert "b.png" in outcome.err


def test_one_file_that_cannot_be_read_is_explained_on_one_line(
    run: Any, enrolled: Path, tmp_path: Path
) -> None:
    (tmp_path / "note.jpg").write_text("a text")

    outcome = run("run", tmp_path / "note.jpg", "--gallery", enrolled, "--json")

    assert outcome.code == 1
    assert "note.jpg holds no picture that we know; expected " in outcome.failure()


def test_a_recording_begins_and_ends(run: Any, enrolled: Path, sound: Any, tmp_path: Path) -> None:
    bell = sound(tmp_path / "ring.wav", 880, seconds=3.0)

    outcome = run("run", bell, "--gallery", enrolled, "--json")

    events = _lines(outcome.out)
    assert (events[0]["type"], events[-1]["type"]) == ("new", "end")
    assert 1.0 <= events[0]["time_s"] <= 1.5
    assert {event["label"] for event in events} == {"bell"}
    assert len({event["id"] for event in events}) == 1


def test_silence_is_unknown_because_there_is_nothing_to_hear(
    run: Any, enrolled: Path, sound: Any, tmp_path: Path
) -> None:
    silence = sound(tmp_path / "silence.wav", 880, loud=0.0, seconds=2.0)

    outcome = run("run", silence, "--gallery", enrolled)

    assert outcome.code == 0
    assert "unknown" in outcome.out
    assert "nothing to see or hear" in outcome.out


def test_people_get_a_line_for_what_begins(run: Any, enrolled: Path, mug: Path) -> None:
    outcome = run("run", mug, "--gallery", enrolled)

    title, line = outcome.out.splitlines()
    assert title.split() == ["time", "what", "sure", "by", "from"]
    assert line.split()[0] == "mug"
    assert line.split()[-1] == str(mug)


def test_an_empty_gallery_answers_unknown_and_says_why(run: Any, gallery: Path, mug: Path) -> None:
    outcome = run("run", mug, "--gallery", gallery, "--json")

    (event,) = _lines(outcome.out)
    assert outcome.code == 0
    assert (event["label"], event["unknown"], event["score"]) == (None, True, None)
    assert f"nothing is enrolled in {gallery}: every answer will be unknown" in outcome.err


def test_recognising_does_not_change_the_gallery(run: Any, enrolled: Path, mug: Path) -> None:
    before = enrolled.read_bytes()

    run("run", mug, "--gallery", enrolled)

    assert enrolled.read_bytes() == before


def test_a_missing_file_is_found_before_anything_is_recognised(
    run: Any, enrolled: Path, mug: Path
) -> None:
    outcome = run("run", mug, "nowhere.mp4", "--gallery", enrolled, "--json")

    assert outcome.code == 1
    assert "nowhere.mp4 does not exist; expected a file" in outcome.failure()


def test_a_recording_that_breaks_does_not_stop_the_next_one(
    run: Any, enrolled: Path, mug: Path, tmp_path: Path
) -> None:
    (tmp_path / "noise.mp4").write_bytes(b"no video at all" * 20)

    outcome = run("run", tmp_path / "noise.mp4", mug, "--gallery", enrolled, "--json")

    assert outcome.code == 1
    assert [event["label"] for event in _lines(outcome.out)] == ["mug"]
    assert "noise.mp4" in outcome.err


def test_without_a_source_the_usage_is_wrong(run: Any) -> None:
    outcome = run("run")

    assert outcome.code == 2
    assert "name a file, a folder or an address, or use --camera or --mic" in outcome.failure()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rate", "0"), "expected 0.01 to 100"),
        (("--far", "1.5"), "expected a share between 0 and 1"),
        (("--head", "brain"), "brain"),
        (("--streams", "smell"), "smell"),
        (("--mic", "default", "--camera", "clip.wav"), "which is a recording"),
    ],
    ids=["rate", "far", "head", "streams", "microphone beside a recording"],
)
def test_impossible_options_are_refused_in_one_line(
    run: Any, enrolled: Path, sound: Any, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    clip = sound(tmp_path / "clip.wav", 500)
    given = [clip if option == "clip.wav" else option for option in options]

    outcome = run("run", clip, "--gallery", enrolled, *given)

    assert outcome.code == 1
    assert said in outcome.failure()


def _start(enrolled: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "headstart.cli", "run", *map(str, arguments)]
        + ["--gallery", str(enrolled), "--json"],
        env={**os.environ, "PYTHONPATH": str(Path(headstart.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _beside_the_backend(said: str) -> str:
    """What stands on stderr besides the one line about the backend."""
    first, _, rest = said.partition("\n")
    assert first.startswith("headstart: backend ")
    return rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_is_open_and_that_is_all(enrolled: Path, number: signal.Signals) -> None:
    with _start(enrolled, "--camera", CLIPS / "live.mp4") as process:
        assert process.stdout is not None and process.stderr is not None
        first = json.loads(process.stdout.readline())
        sent_s = time.monotonic()
        process.send_signal(number)
        rest = _lines(process.stdout.read())
        said = process.stderr.read()
        code = process.wait(timeout=10)
        took_s = time.monotonic() - sent_s

    assert code == 0
    assert _beside_the_backend(said) == ""
    assert first["type"] == "new"
    assert rest[-1]["type"] == "end"
    assert took_s < 2


def test_when_nobody_reads_on_it_ends_quietly(enrolled: Path) -> None:
    with _start(enrolled, CLIPS / "live.mp4") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        code = process.wait(timeout=10)

    assert _beside_the_backend(said) == ""
    assert code == 141


def test_a_gallery_on_a_read_only_medium_will_do(
    run: Any, enrolled: Path, mug: Path, tmp_path: Path
) -> None:
    medium = tmp_path / "medium"
    medium.mkdir()
    shutil.copy(enrolled, medium / "gallery.sqlite")
    (medium / "gallery.sqlite").chmod(0o444)

    outcome = run("run", mug, "--gallery", medium / "gallery.sqlite", "--json")

    assert _lines(outcome.out)[0]["label"] == "mug"
