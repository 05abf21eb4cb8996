"""The demo as people get it: real encoders, the installed clips, the goals."""

from __future__ import annotations

import pytest

from headstart.runtime.demo.performance import Performance, perform
from headstart.runtime.demo.storyboard import CLIPS, read_storyboard
from headstart.runtime.recognizer import Recognizer


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Performance:
    gallery = tmp_path_factory.mktemp("demo") / "gallery.sqlite"
    with Recognizer.open(gallery=gallery) as recognizer:
        return perform(recognizer, CLIPS)


def _wrong(performance: Performance, kind: str) -> list[str]:
    return [
        f"{v.segment.start_s} s {v.segment.thing}: {', '.join(v.said) or 'unknown'}"
        for v in performance.verdicts
        if v.segment.kind == kind and not v.right
    ]


def test_what_was_enrolled_is_recognised(played: Performance) -> None:
    assert played.counts["enrolled"].share >= 0.95, _wrong(played, "enrolled")


def test_what_was_never_enrolled_is_unknown(played: Performance) -> None:
    assert played.counts["never enrolled"].share >= 0.90, _wrong(played, "never enrolled")


def test_nothing_is_named_where_nothing_is_shown(played: Performance) -> None:
    assert _wrong(played, "nothing") == []


def test_every_clip_was_used(played: Performance) -> None:
    board = read_storyboard()
    (background,) = board.of_role("background")

    assert [e.name for e in played.enrolled] == [c.label for c in board.of_role("enrol")]
    assert all(e.samples >= 3 for e in played.enrolled)
    assert played.background_things == len({s.thing for s in background.segments})


def test_four_decisions_a_second_without_a_hole(played: Performance) -> None:
    times = [look.time_s for look in played.looks]

    assert times == [number / 4 for number in range(1, len(times) + 1)]
    assert times[-1] == pytest.approx(played.duration_s, abs=0.3)


def test_each_thing_that_is_seen_has_its_picture(played: Performance) -> None:
    for verdict, picture in zip(played.verdicts, played.thumbnails, strict=True):
        assert bool(picture) or verdict.segment.kind == "nothing"
