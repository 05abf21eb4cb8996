"""Decisions made by hand, and a recogniser and sources that need no device and no bundle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError
from headstart.runtime.live.decision import Decision
from headstart.runtime.recognition.answer import Answer
from headstart.runtime.sample import AudioClip, Frame, Sample

Decide = Callable[..., Decision]


def make_answer(label: str | None, score: float = 0.5, probability: float = 0.9) -> Answer:
    return Answer(
        label=label,
        score=score if label else -score,
        probability=probability,
        unknown=label is None,
        reason="" if label else "nothing enrolled is close enough",
        streams={"image": 0.75, "sound": 0.25},
        top=(("mug", probability), ("bell", 1 - probability)),
        calibrated=True,
    )


@pytest.fixture
def decided() -> Decide:
    def make(label: str | None, time_s: float | None, **numbers: float) -> Decision:
        return Decision(
            answer=make_answer(label, **numbers), time_s=time_s, source="clip.mp4", latency_ms=12.34
        )

    return make


class BrightnessRecognizer:
    """Knows a thing by the brightness of its left half: 100 is a mug, 200 a bell."""

    def recognize(self, sample: Sample) -> Answer:
        if sample.image is None:
            return make_answer(None)
        names = {100: "mug", 200: "bell"}
        return make_answer(names.get(int(sample.image.pixels[0, 0, 0])))


class ScriptedSource:
    """Gives the samples it was made with; the last may be an error.

    Args:
        script: brightness of each picture, or an error to raise.
        timed: stills have no times.
        gate: awaited before each sample, if there is one.
    """

    failures: tuple[tuple[str, CaptureError], ...] = ()
    dropped = 0

    def __init__(
        self,
        script: Sequence[int | Exception],
        *,
        name: str = "clip.mp4",
        timed: bool = True,
        gate: threading.Semaphore | None = None,
    ) -> None:
        self.name = name
        self._script = script
        self._timed = timed
        self._gate = gate
        self.opened = 0
        self.closed = threading.Event()

    def samples(self) -> Iterator[Sample]:
        for number, item in enumerate(self._script):
            if self._gate is not None:
                self._gate.acquire()
            if self.closed.is_set():
                return
            if isinstance(item, Exception):
                raise item
            yield show(item, number / 4 if self._timed else None, self.name)

    def close(self) -> None:
        self.closed.set()
        if self._gate is not None:
            self._gate.release()

    def __enter__(self) -> ScriptedSource:
        self.opened += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def show(brightness: int, time_s: float | None, source: str = "clip.mp4") -> Sample:
    """A picture of that brightness beside a dark half, in silence."""
    pixels = np.full((32, 32, 3), brightness, np.uint8)
    pixels[:, 16:] = 20
    return Sample(
        image=Frame(pixels=pixels, time_s=time_s),
        audio=AudioClip(samples=np.zeros(16_000, np.float32)),
        time_s=time_s,
        source=source,
    )


@pytest.fixture
def recognizer() -> BrightnessRecognizer:
    return BrightnessRecognizer()


@pytest.fixture
def scripted() -> type[ScriptedSource]:
    return ScriptedSource


@pytest.fixture
def shown() -> Callable[..., Sample]:
    return show
