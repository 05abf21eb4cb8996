"""What every source of samples for live recognition offers."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import AudioClip, Frame, Sample

if TYPE_CHECKING:
    from typing_extensions import Self

RATE_HZ = 4.0
"""Decisions a second where nobody asks for another rate."""

WINDOW_S = 1.5
"""Seconds of sound in each sample: one encoder window and room to place it."""


class Source(Protocol):
    """Samples one after another; a context manager that owns its files and devices.

    One thread reads it; ``close`` may be called from any thread, and twice.
    """

    @property
    def name(self) -> str:
        """Where the samples come from, for people to read."""
        ...

    @property
    def dropped(self) -> int:
        """Decisions left out so far because the reader was slower than the source."""
        ...

    @property
    def failures(self) -> tuple[tuple[str, CaptureError], ...]:
        """Single files that gave nothing while the rest went on."""
        ...

    def samples(self) -> Iterator[Sample]:
        """Yield samples until the source ends or is closed.

        Raises:
            CaptureError: the source cannot be read (any more).
        """
        ...

    def close(self) -> None:
        """Free files and devices; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class PictureGiver(Protocol):
    """A device or stream whose newest picture can be had at any time."""

    @property
    def name(self) -> str: ...

    def open(self) -> None:
        """Start capturing; safe to call when open.

        Raises:
            CaptureError: it does not start.
        """
        ...

    def latest_frame(self, max_age_s: float) -> Frame | None:
        """Return the sharpest of the newest few pictures; None if all are older than that.

        Raises:
            CaptureError: capturing has stopped.
        """
        ...

    def close(self) -> None: ...


class SoundGiver(Protocol):
    """A device or stream whose last seconds of sound can be had at any time."""

    @property
    def name(self) -> str: ...

    def open(self) -> None:
        """Start capturing; safe to call when open.

        Raises:
            CaptureError: it does not start.
        """
        ...

    def latest_sound(self, window_s: float) -> AudioClip | None:
        """Return the last ``window_s`` seconds, less at the start, None before there is any.

        Raises:
            CaptureError: capturing has stopped.
        """
        ...

    def close(self) -> None: ...
