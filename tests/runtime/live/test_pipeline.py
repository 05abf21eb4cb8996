from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError, HeadstartError
from headstart.runtime.live.events import Event
from headstart.runtime.live.pipeline import recognise_stream, recognise_streams
from headstart.runtime.live.smoothing import Smoothing
from headstart.runtime.sample import AudioClip, Frame, Sample

AT_ONCE = Smoothing(window=1, agree=1, release=1)
THREE_OF_FIVE = Smoothing(window=5, agree=3, release=4)


def said(events: Sequence[Event]) -> list[tuple[str, str | None]]:
    return [(event.type, event.label) for event in events]


def test_a_stream_becomes_events(recognizer: Any, scripted: Any) -> None:
    source = scripted([100, 100, 100, 20, 20, 20, 20, 200, 200, 200])

    events = list(recognise_stream(recognizer, source, smoothing=THREE_OF_FIVE))

    assert said(events) == [
        ("new", "mug"),
        *[("update", "mug")] * 3,
        ("end", "mug"),
        ("new", None),
        *[("update", None)] * 2,
        ("end", None),
        ("new", "bell"),
        ("end", "bell"),
    ]
    assert all(event.latency_ms > 0 for event in events)


def test_the_source_is_opened_once_and_closed(recognizer: Any, scripted: Any) -> None:
    source = scripted([100])

    list(recognise_stream(recognizer, source))

    assert source.opened == 1
    assert source.closed.is_set()


def test_stills_are_not_smoothed(recognizer: Any, scripted: Any) -> None:
    events = list(recognise_stream(recognizer, scripted([100, 200, 20], timed=False)))

    assert said(events) == [("new", "mug"), ("new", "bell"), ("new", None)]
    assert [event.id for event in events] == ["1", "2", "3"]


def test_every_decision_is_seen_by_the_watcher(recognizer: Any, scripted: Any) -> None:
    seen: list[tuple[float | None, str | None]] = []

    list(
        recognise_stream(
            recognizer,
            scripted([100, 200]),
            watch=lambda sample, decision: seen.append((sample.time_s, decision.answer.label)),
        )
    )

    assert seen == [(0.0, "mug"), (0.25, "bell")]


def test_an_error_comes_after_what_was_open_has_ended(recognizer: Any, scripted: Any) -> None:
    source = scripted([100, CaptureError("the camera stopped")])
    events: list[Event] = []

    with pytest.raises(CaptureError, match="the camera stopped"):
        for event in recognise_stream(recognizer, source, smoothing=AT_ONCE):
            events.append(event)

    assert said(events) == [("new", "mug"), ("end", "mug")]


def test_a_fault_in_the_program_is_not_taken_for_a_source_s_failure(
    recognizer: Any, scripted: Any
) -> None:
    source = scripted([ZeroDivisionError("ours")])

    with pytest.raises(ZeroDivisionError, match="ours"):
        list(recognise_streams(recognizer, [source, scripted([100])]))


def test_when_one_of_two_fails_the_other_goes_on(recognizer: Any, scripted: Any) -> None:
    gate = threading.Semaphore(0)
    failed: list[str] = []

    def note(name: str, error: HeadstartError) -> None:
        failed.append(name)
        gate.release()

    sources = [
        scripted([CaptureError("gone")], name="left"),
        scripted([200], name="right", gate=gate),
    ]
    events: list[Event] = []

    with pytest.raises(CaptureError, match="gone"):
        for event in recognise_streams(recognizer, sources, failed=note):
            events.append(event)

    assert failed == ["left"]
    assert [(e.source, e.type, e.label) for e in events] == [
        ("right", "new", "bell"),
        ("right", "end", "bell"),
    ]


def test_each_source_has_events_of_its_own(recognizer: Any, scripted: Any) -> None:
    sources = [scripted([100] * 3, name="left"), scripted([200] * 3, name="right")]

    events = list(recognise_streams(recognizer, sources))

    by_source = {e.source: (e.label, e.id) for e in events}
    assert {source: label for source, (label, _) in by_source.items()} == {
        "left": "mug",
        "right": "bell",
    }
    assert {id for _, id in by_source.values()} == {"1", "2"}


def test_on_request_it_ends_what_is_open_and_closes(recognizer: Any, scripted: Any) -> None:
    gate = threading.Semaphore(1)
    source = scripted([100] * 100, gate=gate)
    wanted = threading.Event()
    events: list[Event] = []

    for event in recognise_stream(recognizer, source, smoothing=AT_ONCE, stopped=wanted.is_set):
        events.append(event)
        wanted.set()

    assert said(events) == [("new", "mug"), ("end", "mug")]
    assert source.closed.is_set()


def test_leaving_early_closes_the_source(recognizer: Any, scripted: Any) -> None:
    source = scripted([100] * 100)

    events = recognise_stream(recognizer, source, smoothing=AT_ONCE)
    next(events)
    events.close()

    assert source.closed.is_set()


class Late:
    """Gives one live sample whose picture is half a second old."""

    name, dropped, failures = "camera 0", 2, ()

    def samples(self) -> Any:
        pixels = np.zeros((8, 8, 3), np.uint8)
        pixels[:4] = 100
        yield Sample(
            image=Frame(pixels=pixels, time_s=9.5),
            audio=AudioClip(samples=np.ones(8000, np.float32), start_s=9.0),
            time_s=10.0,
        )

    def close(self) -> None: ...

    def __enter__(self) -> Late:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(("policy", "at_least_ms"), [("newest", 500.0), ("every", 0.0)])
def test_latency_of_live_samples_counts_from_the_newest_part(
    recognizer: Any, policy: Any, at_least_ms: float
) -> None:
    event = next(recognise_stream(recognizer, Late(), policy=policy))

    assert at_least_ms < event.latency_ms < at_least_ms + 400
    assert event.dropped == 2
