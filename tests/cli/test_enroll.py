"""`headstart enroll`: files, failures, names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import MakePicture, MakeSound, Run


def test_a_new_class_is_said_with_what_it_is_known_by(run: Run, mug: Path, gallery: Path) -> None:
    outcome = run("enroll", "mug", mug, "--gallery", gallery)

    assert outcome.code == 0
    assert outcome.out == "enrolled 'mug' with 1 sample (image 1)\n"
    assert outcome.err == ""


def test_a_known_class_gets_more_samples_and_it_is_said(
    run: Run, mug: Path, enrolled: Path
) -> None:
    outcome = run("enroll", "mug", mug, "--gallery", enrolled)

    assert outcome.code == 0
    assert outcome.out == ("added 1 sample to 'mug', which was enrolled already: 3 now (image 3)\n")


def test_what_fails_is_named_and_the_rest_is_enrolled(
    run: Run, picture: MakePicture, gallery: Path, tmp_path: Path
) -> None:
    whole = picture(tmp_path / "whole.png", 1)
    torn = tmp_path / "torn.png"
    torn.write_bytes(whole.read_bytes()[:200])

    outcome = run("enroll", "mug", whole, torn, "--gallery", gallery, "--json")

    assert outcome.code == 0
    assert (outcome.json()["name"], outcome.json()["added"]) == ("mug", 1)
    (failure,) = outcome.json()["failures"]
    assert failure["source"] == str(torn)
    (line,) = outcome.err.splitlines()
    assert line == f"headstart: left out: {failure['reason']}"


def test_two_files_of_one_name_are_one_sample_with_all_streams(
    run: Run, picture: MakePicture, sound: MakeSound, gallery: Path, tmp_path: Path
) -> None:
    picture(tmp_path / "bell" / "1.png", 2)
    sound(tmp_path / "bell" / "1.wav", 880)

    outcome = run("enroll", "bell", tmp_path / "bell", "--gallery", gallery)

    assert outcome.out == "enrolled 'bell' with 1 sample (image 1, sound 1, speech 1)\n"


def test_only_the_streams_asked_for_are_stored(
    run: Run, sound: MakeSound, gallery: Path, tmp_path: Path
) -> None:
    bell = sound(tmp_path / "bell.wav", 880)

    outcome = run("enroll", "bell", bell, "--streams", "sound", "--gallery", gallery)

    assert outcome.out == "enrolled 'bell' with 1 sample (sound 1)\n"


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", "../../etc/passwd", "☕", "كوب أحمر", "[bold]mug[/bold]", "x" * 200],
    ids=["slash", "dots", "path", "emoji", "right to left", "markup", "200 characters"],
)
def test_names_are_only_names(run: Run, mug: Path, gallery: Path, name: str) -> None:
    assert run("enroll", name, mug, "--gallery", gallery).code == 0

    (entry,) = run("classes", "--gallery", gallery, "--json").json()["classes"]
    assert entry["name"] == name
    assert name in run("classes", "--gallery", gallery).out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "the class name '' is empty"),
        ("   ", "the class name '   ' is empty"),
        ("x" * 10_000, "has 10000 characters; expected at most 200"),
        ("two\nlines", r"the class name 'two\nlines' holds a control character or line break"),
        ("\x1b[2J", "holds a control character or line break (U+001B)"),
    ],
    ids=["empty", "blank", "10,000 characters", "line break", "escape sequence"],
)
def test_a_name_that_cannot_be_used_is_refused_before_anything_is_made(
    run: Run, mug: Path, gallery: Path, name: str, said: str
) -> None:
    outcome = run("enroll", name, mug, "--gallery", gallery)

    assert outcome.code == 1
    assert said in outcome.failure()
    assert not gallery.exists()


def test_a_recording_can_stand_in_for_a_camera_that_ends_early(
    run: Run, picture: MakePicture, gallery: Path, tmp_path: Path
) -> None:
    stills = tmp_path / "stills"
    picture(stills / "1.png", 1)
    picture(stills / "2.png", 1, 1)

    outcome = run("enroll", "mug", "--camera", stills, "--shots", 3, "--gallery", gallery)

    assert outcome.code == 0
    assert outcome.out == "enrolled 'mug' with 2 samples (image 2)\n"
    assert outcome.err.splitlines() == [
        f"headstart: watching {stills}: show it, and turn it a little between samples",
        "headstart: sample 1 of 3 taken: image",
        "headstart: sample 2 of 3 taken: image",
        f"headstart: only 2 samples of 3: {stills} gave no more",
    ]
