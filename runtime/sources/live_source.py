"""A camera and a microphone as one source on one clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import Sample
from headstart.runtime.sources.media_source import check_rate
from headstart.runtime.sources.source import RATE_HZ, WINDOW_S, PictureGiver, SoundGiver

MAX_AGE_S = 1.0
"""An older picture no longer shows what is there."""


class LiveSource:
    """Samples of what is there now, ``rate_hz`` times a second.

    Each holds the newest picture and the last ``window_s`` seconds of sound. ``time_s`` counts
    seconds since ``samples`` began. Moments that pass while the reader is busy are dropped and
    counted: the next sample is always of now.

    Args:
        camera: gives pictures; None for sound alone. May be the same object as ``mic``.
        mic: gives sound; None for pictures alone.
        rate_hz: decisions a second.
        window_s: seconds of sound in each sample.
    """

    failures: tuple[tuple[str, CaptureError], ...] = ()

    def __init__(
        self,
        camera: PictureGiver | None = None,
        mic: SoundGiver | None = None,
        *,
        rate_hz: float = RATE_HZ,
        window_s: float = WINDOW_S,
    ) -> None:
        if camera is None and mic is None:
            raise ConfigError("neither a camera nor a microphone was named; expected at least one")
        check_rate(rate_hz, window_s)
        self._camera = camera
        self._mic = mic
        self._step_s = 1 / rate_hz
        self._window_s = window_s
        self._stop = threading.Event()
        self._dropped = 0

    @property
    def name(self) -> str:
        """The devices in words."""
        names = [giver.name for giver in (self._camera, self._mic) if giver is not None]
        return " + ".join(dict.fromkeys(names))

    @property
    def dropped(self) -> int:
        """Decisions left out because the reader was busy."""
        return self._dropped

    def open(self) -> None:
        """Open both devices; if one fails, neither stays open.

        Raises:
            CaptureError: a device does not start.
        """
        self._stop.clear()
        try:
            for giver in (self._camera, self._mic):
                if giver is not None:
                    giver.open()
        except BaseException:
            self.close()
            raise

    def samples(self) -> Iterator[Sample]:
        """Yield samples until the source is closed.

        Raises:
            CaptureError: a device has stopped.
        """
        start_s = time.monotonic()
        tick = 1
        while not self._stop.wait(max(0.0, start_s + tick * self._step_s - time.monotonic())):
            sample = self._sample(start_s)
            if sample is not None:
                yield sample
            passed = int((time.monotonic() - start_s) / self._step_s)
            self._dropped += max(0, passed - tick)
            tick = max(tick, passed) + 1

    def close(self) -> None:
        """End ``samples`` and close both devices; safe to call twice, from any thread."""
        self._stop.set()
        for giver in (self._camera, self._mic):
            if giver is not None:
                giver.close()

    def __enter__(self) -> LiveSource:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _sample(self, start_s: float) -> Sample | None:
        image = None if self._camera is None else self._camera.latest_frame(MAX_AGE_S)
        audio = None if self._mic is None else self._mic.latest_sound(self._window_s)
        if image is None and audio is None:
            return None
        if image is not None:
            image = replace(image, time_s=(image.time_s or start_s) - start_s)
        if audio is not None:
            audio = replace(audio, start_s=(audio.start_s or start_s) - start_s)
        return Sample(image=image, audio=audio, time_s=time.monotonic() - start_s, source=self.name)
