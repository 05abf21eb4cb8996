from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from headstart.runtime.errors import CaptureError
from headstart.runtime.live.reading import Readers, failure_of, policy_of
from headstart.runtime.sources.live_source import LiveSource


class Giver:
    """A camera that never has a picture."""

    name = "camera 0"

    def open(self) -> None: ...

    def latest_frame(self, max_age_s: float) -> None: ...

    def close(self) -> None: ...


def test_a_device_does_not_wait_and_a_recording_does(scripted: Any) -> None:
    assert policy_of(LiveSource(Giver())) == "newest"
    assert policy_of(scripted([])) == "every"


def test_every_sample_comes_in_order_and_then_the_end(scripted: Any) -> None:
    taken = list(Readers([scripted([100] * 5)]))

    assert [t.sample.time_s for t in taken if t.sample] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert taken[-1].sample is None
    assert taken[-1].error is None


def test_the_newest_replaces_what_waits_and_is_counted(scripted: Any) -> None:
    gate = threading.Semaphore(1)
    source = scripted([100] * 6, gate=gate)
    readers = iter(Readers([source], policy="newest"))
    first = next(readers)

    for _ in range(5):
        gate.release()
    deadline_s = time.monotonic() + 5
    while source.closed.is_set() is False and time.monotonic() < deadline_s:
        time.sleep(0.01)
    newest = next(readers)

    assert first.sample is not None and first.sample.time_s == 0.0
    assert newest.sample is not None and newest.sample.time_s == 1.25
    assert newest.dropped == 4


def test_an_error_ends_its_source_and_is_handed_over(scripted: Any) -> None:
    *_, last = Readers([scripted([100, CaptureError("unplugged")])])

    assert last.sample is None
    assert str(failure_of(last)) == "unplugged"


def test_a_fault_in_the_program_is_raised_where_the_end_is_read(scripted: Any) -> None:
    (last,) = Readers([scripted([ZeroDivisionError("ours")])])

    with pytest.raises(ZeroDivisionError, match="ours"):
        failure_of(last)


def test_closing_ends_a_source_that_waits_and_its_thread(scripted: Any) -> None:
    before = threading.active_count()
    source = scripted([100] * 10, gate=threading.Semaphore(1))
    readers = Readers([source])
    taken = iter(readers)
    next(taken)

    readers.close()
    readers.close()

    assert next(taken, None) is None
    assert source.closed.is_set()
    assert threading.active_count() == before


def test_a_request_to_stop_is_noticed_while_nothing_comes(scripted: Any) -> None:
    source = scripted([100], gate=threading.Semaphore(0))
    began_s = time.monotonic()

    taken = list(Readers([source], stopped=lambda: time.monotonic() > began_s + 0.2))

    assert taken == []
    assert time.monotonic() - began_s < 1.5
