from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from headstart.runtime.demo.storyboard import CLIPS, read_storyboard
from headstart.runtime.errors import ArtifactError


def test_the_installed_clips_hold_everything_that_the_demo_needs() -> None:
    board = read_storyboard()

    (live,) = board.of_role("live")
    names = {clip.label for clip in board.of_role("enrol")}
    shown = {s.label for s in live.segments if s.kind == "enrolled"}
    assert shown == names
    assert len(board.of_role("background")) == 1
    assert sum(s.kind == "never enrolled" for s in live.segments) >= 5


def test_the_live_clip_is_covered_from_start_to_end() -> None:
    (live,) = read_storyboard().of_role("live")

    ends = [segment.end_s for segment in live.segments]
    assert [segment.start_s for segment in live.segments] == [0.0, *ends[:-1]]
    assert ends[-1] == pytest.approx(live.duration_s)


def test_what_was_never_enrolled_carries_no_name() -> None:
    (live,) = read_storyboard().of_role("live")

    assert all((s.label is None) == (s.kind != "enrolled") for s in live.segments)


def test_a_folder_without_a_storyboard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="storyboard.json cannot be read.*install headstart"):
        read_storyboard(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 2, "clips": []}'])
def test_a_file_that_is_no_storyboard_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "storyboard.json").write_text(text)

    with pytest.raises(ArtifactError, match="is not a storyboard"):
        read_storyboard(tmp_path)


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    board = json.loads((CLIPS / "storyboard.json").read_text())
    board["clips"][0]["colour"] = "red"
    (tmp_path / "storyboard.json").write_text(json.dumps(board))

    with pytest.raises(ArtifactError, match="is not a storyboard"):
        read_storyboard(tmp_path)


def test_clips_that_are_missing_are_named(tmp_path: Path) -> None:
    shutil.copy(CLIPS / "storyboard.json", tmp_path)

    with pytest.raises(ArtifactError, match="lacks .*live.mp4"):
        read_storyboard(tmp_path)
