"""A recording or a finite network address as a source, decision by decision."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import AudioClip, Sample
from headstart.runtime.sources.decode import HOLD_S, decode
from headstart.runtime.sources.media import open_media
from headstart.runtime.sources.raw_frame import RawFrame, sharpest
from headstart.runtime.sources.rolling import RollingSound
from headstart.runtime.sources.source import RATE_HZ, WINDOW_S

Pace = Literal["fast", "real"]

FRESH_S = 0.15
"""Pictures this much older than the newest one compete with it for sharpness."""

MAX_AGE_S = 2.0
"""A picture older than this no longer shows what is there."""

_LONGEST_BLOCK_S = 8.5
"""FLAC may decode 65,535 samples at 8 kHz at once, which overshoot the decision's time."""


def check_rate(rate_hz: float, window_s: float) -> None:
    """Refuse rates and windows that no source can serve.

    Raises:
        ConfigError: outside 0.01–100 decisions a second or 0.1–60 s of sound.
    """
    if not 0.01 <= rate_hz <= 100:
        raise ConfigError(f"the rate is {rate_hz} decisions a second; expected 0.01 to 100")
    if not 0.1 <= window_s <= 60:
        raise ConfigError(f"the sound window is {window_s} s; expected 0.1 to 60")


class MediaSource:
    """Samples of a recording at its own times: ``1/rate_hz``, ``2/rate_hz``, … seconds.

    Each holds the sharpest of the newest pictures and the last ``window_s`` seconds of sound,
    whichever tracks there are. Memory does not grow with length. A recording shorter than one
    period gives one sample, at its end.

    Args:
        uri: file or network address.
        rate_hz: decisions per second of recording.
        window_s: seconds of sound in each sample.
        pace: ``fast``: as soon as it is decoded, nothing is left out; ``real``: at the speed of
            life, and decisions whose time has passed are dropped.
        clock: seconds, never going back.
        sleep: waits so many seconds.
    """

    failures: tuple[tuple[str, CaptureError], ...] = ()

    def __init__(
        self,
        uri: str | Path,
        *,
        rate_hz: float = RATE_HZ,
        window_s: float = WINDOW_S,
        pace: Pace = "fast",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        check_rate(rate_hz, window_s)
        self._uri = uri
        self._step_s = 1 / rate_hz
        self._window_s = window_s
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._closed = False
        self._started_s: float | None = None
        self._dropped = 0
        self._frames: deque[RawFrame] = deque(maxlen=8)
        self._sound = RollingSound(window_s + HOLD_S + _LONGEST_BLOCK_S)

    @property
    def name(self) -> str:
        """Path or address."""
        return str(self._uri)

    @property
    def dropped(self) -> int:
        """Decisions left out; only at real pace."""
        return self._dropped

    def samples(self) -> Iterator[Sample]:
        """Yield samples to the end of the recording; once.

        Raises:
            CaptureError: it cannot be read.
        """
        self._started_s = self._clock()
        tick, given, end_s = 1, 0, 0.0
        with open_media(self._uri) as media:
            for item in decode(media):
                begins_s = _begin(item)
                while begins_s > tick * self._step_s and not self._closed:
                    for sample in self._decide(tick * self._step_s):
                        given += 1
                        yield sample
                    tick += 1
                if self._closed:
                    return
                self._take(item)
                end_s = max(end_s, _end(item))
        while tick * self._step_s <= end_s and not self._closed:
            for sample in self._decide(tick * self._step_s):
                given += 1
                yield sample
            tick += 1
        if given + self._dropped == 0 and not self._closed:
            yield from self._decide(end_s)

    def close(self) -> None:
        """End ``samples`` at its next step; safe to call twice."""
        self._closed = True

    def __enter__(self) -> MediaSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self, item: RawFrame | AudioClip) -> None:
        if isinstance(item, RawFrame):
            self._frames.append(item)
        else:
            self._sound.add(item)

    def _decide(self, time_s: float) -> Iterator[Sample]:
        """Give the sample of one moment; nothing if it is late or there is nothing to give."""
        if self._pace == "real" and self._started_s is not None:
            early_s = self._started_s + time_s - self._clock()
            if early_s < -self._step_s:
                self._dropped += 1
                return
            if early_s > 0:
                self._sleep(early_s)
        recent = [f for f in self._frames if time_s - MAX_AGE_S <= f.time_s <= time_s]
        fresh = [f for f in recent if f.time_s >= recent[-1].time_s - FRESH_S]
        image = sharpest(fresh).frame() if fresh else None
        audio = self._sound.window(self._window_s, time_s)
        if audio is not None and (audio.start_s or 0.0) + audio.duration_s < time_s - MAX_AGE_S:
            audio = None
        if image is not None or audio is not None:
            yield Sample(image=image, audio=audio, time_s=time_s, source=self.name)


def _begin(item: RawFrame | AudioClip) -> float:
    return item.time_s if isinstance(item, RawFrame) else item.start_s or 0.0


def _end(item: RawFrame | AudioClip) -> float:
    return _begin(item) + (item.duration_s if isinstance(item, AudioClip) else 0.0)
