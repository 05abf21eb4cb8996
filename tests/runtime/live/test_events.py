from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from headstart.runtime.live.decision import Decision
from headstart.runtime.live.events import Event, Tracker, numbered
from headstart.runtime.live.smoothing import Smoothing
from headstart.runtime.recognition.answer import unknown_because

Decide = Callable[..., Decision]
RULE = Smoothing(window=5, agree=3, release=4)


def lines(events: Sequence[Event]) -> list[tuple[str, str, str | None, float | None]]:
    return [(event.type, event.id, event.label, event.time_s) for event in events]


def follow(tracker: Tracker, decisions: Sequence[Decision]) -> list[Event]:
    events = [event for decision in decisions for event in tracker.take(decision)]
    return events + list(tracker.finish())


def test_a_thing_begins_lasts_and_ends_under_one_id(decided: Decide) -> None:
    decisions = [decided("mug", number / 4) for number in range(4)]

    events = follow(Tracker(RULE), decisions)

    assert lines(events) == [
        ("new", "1", "mug", 0.5),
        ("update", "1", "mug", 0.75),
        ("end", "1", "mug", 0.75),
    ]


def test_a_change_ends_one_event_and_begins_another_at_one_moment(decided: Decide) -> None:
    labels = ["mug"] * 3 + ["bell"] * 3
    decisions = [decided(label, number / 4) for number, label in enumerate(labels)]

    assert lines(follow(Tracker(RULE), decisions)) == [
        ("new", "1", "mug", 0.5),
        ("update", "1", "mug", 0.75),
        ("update", "1", "mug", 1.0),
        ("end", "1", "mug", 1.25),
        ("new", "2", "bell", 1.25),
        ("end", "2", "bell", 1.25),
    ]


def test_a_period_of_unknown_is_an_event(decided: Decide) -> None:
    first = follow(Tracker(RULE), [decided(None, number / 4) for number in range(3)])[0]

    assert (first.type, first.label, first.unknown) == ("new", None, True)
    assert first.reason == "nothing enrolled is close enough"


def test_numbers_are_those_of_the_newest_decision_that_agrees(decided: Decide) -> None:
    tracker = Tracker(RULE)
    for number in range(3):
        list(tracker.take(decided("mug", number / 4, score=0.1 * number)))

    (event,) = tracker.take(decided(None, 0.75, score=9.0))

    assert (event.label, event.score, event.time_s) == ("mug", 0.2, 0.75)


def test_after_a_hole_in_time_the_same_thing_is_another_event(decided: Decide) -> None:
    times = [0.0, 0.25, 0.5, 100.0, 100.25, 100.5]

    events = follow(Tracker(RULE), [decided("mug", time_s) for time_s in times])

    assert lines(events) == [
        ("new", "1", "mug", 0.5),
        ("end", "1", "mug", 0.5),
        ("new", "2", "mug", 100.5),
        ("end", "2", "mug", 100.5),
    ]


def test_a_source_too_short_for_agreement_is_answered_at_its_end(decided: Decide) -> None:
    events = follow(Tracker(RULE), [decided(None, 0.25), decided("bell", 0.5)])

    assert lines(events) == [("new", "1", "bell", 0.5), ("end", "1", "bell", 0.5)]


def test_a_source_without_samples_has_no_events() -> None:
    assert list(Tracker(RULE).finish()) == []


def test_a_tracker_starts_anew_after_finishing(decided: Decide) -> None:
    tracker = Tracker(RULE)
    follow(tracker, [decided("mug", number / 4) for number in range(3)])

    assert list(tracker.finish()) == []
    assert list(tracker.take(decided("mug", 0.0))) == []


def test_a_still_is_one_event(decided: Decide) -> None:
    event = Tracker(RULE).still(decided("mug", None))

    assert lines([event]) == [("new", "1", "mug", None)]


def test_ids_are_shared_and_never_used_again(decided: Decide) -> None:
    next_id = numbered("run-")
    first, second = Tracker(RULE, next_id), Tracker(RULE, next_id)

    ids = [first.still(decided("mug", None)).id, second.still(decided("mug", None)).id]

    assert ids == ["run-1", "run-2"]


def test_json_has_the_agreed_fields_in_their_order(decided: Decide) -> None:
    event = Tracker(RULE).still(decided("mug", None, score=1 / 3))

    assert event.as_json() == {
        "type": "new",
        "id": "1",
        "time_s": None,
        "source": "clip.mp4",
        "label": "mug",
        "score": 0.3333,
        "probability": 0.9,
        "unknown": False,
        "streams": {"image": 0.75, "sound": 0.25},
        "top": [["mug", 0.9], ["bell", 0.1]],
        "latency_ms": 12.3,
        "dropped": 0,
    }
    assert (
        list(event.as_json())
        == (
            "type id time_s source label score probability unknown streams top latency_ms dropped"
        ).split()
    )


@pytest.mark.parametrize("label", [None, "mug"])
def test_what_is_not_finite_becomes_null(label: str | None) -> None:
    nothing = Decision(answer=unknown_because("nothing"), time_s=1.0, source="")

    written = json.dumps(Tracker(RULE).still(nothing).as_json(), allow_nan=False)

    assert json.loads(written)["score"] is None
