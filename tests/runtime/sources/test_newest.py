"""The slot between a capture thread and its readers: newest wins, and a death is told."""

from __future__ import annotations

import threading

import pytest

from headstart.runtime.errors import CaptureError
from headstart.runtime.sources.newest import KEPT, Newest


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def newest(clock: Clock) -> Newest[int]:
    return Newest("camera 0", clock=clock)


def test_only_the_newest_few_are_kept(newest: Newest[int], clock: Clock) -> None:
    for value in range(10):
        clock.now_s = float(value)
        newest.put(value)
    assert [value for _, value in newest.recent(100.0)] == list(range(10 - KEPT, 10))


def test_old_values_are_not_given(newest: Newest[int], clock: Clock) -> None:
    newest.put(1)
    clock.now_s = 2.0
    newest.put(2)
    assert newest.recent(1.0) == [(2.0, 2)]


def test_waiting_ends_when_a_newer_value_comes(newest: Newest[int], clock: Clock) -> None:
    newest.put(1)
    clock.now_s = 5.0
    writer = threading.Timer(0.01, newest.put, args=(2,))
    writer.start()
    assert newest.wait_after(0.0, 5.0) == (5.0, 2)
    writer.join()


def test_waiting_in_vain_is_an_error(newest: Newest[int]) -> None:
    newest.put(1)
    with pytest.raises(
        CaptureError, match=r"camera 0 gave no picture for 0\.01 s.*check its cable"
    ):
        newest.wait_after(0.0, 0.01)


def test_the_writers_death_is_told_with_its_cause(newest: Newest[int]) -> None:
    newest.put(1)
    cause = OSError("unplugged")
    newest.fail(cause)
    with pytest.raises(CaptureError, match="camera 0 stopped: unplugged") as caught:
        newest.recent(100.0)
    assert caught.value.__cause__ is cause


def test_a_writer_that_names_the_device_itself_is_not_named_twice(newest: Newest[int]) -> None:
    newest.fail(CaptureError("camera 0 gave nothing; expected pictures: plug it in"))
    with pytest.raises(
        CaptureError, match="^camera 0 stopped: gave nothing; expected pictures: plug it in$"
    ):
        newest.recent(100.0)


def test_the_writers_death_ends_the_waiting(newest: Newest[int]) -> None:
    writer = threading.Timer(0.01, newest.fail, args=(OSError("unplugged"),))
    writer.start()
    with pytest.raises(CaptureError, match="camera 0 stopped: unplugged"):
        newest.wait_after(0.0, 5.0)
    writer.join()
