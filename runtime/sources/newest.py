"""Where a capture thread leaves its newest pictures, and the reason if it dies."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from headstart.runtime.errors import CaptureError

T = TypeVar("T")

KEPT = 4
"""Pictures kept to choose the sharpest from: about an eighth of a second at 30 a second."""


class Newest(Generic[T]):
    """The newest few values of one writer, for any number of readers. One lock.

    Args:
        name: what is captured, for messages.
        clock: seconds, never going back.
    """

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._changed = threading.Condition()
        self._values: deque[tuple[float, T]] = deque(maxlen=KEPT)
        self._error: BaseException | None = None

    def put(self, value: T) -> None:
        """Store a value with the time of now; the oldest gives way."""
        with self._changed:
            self._values.append((self._clock(), value))
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Keep why there will be no more; every read from now on raises it."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def recent(self, max_age_s: float) -> list[tuple[float, T]]:
        """Return the values no older than that as ``(time_s, value)``, oldest first.

        Raises:
            CaptureError: the writer has failed.
        """
        with self._changed:
            self._raise_error()
            oldest_s = self._clock() - max_age_s
            return [(at, value) for at, value in self._values if at >= oldest_s]

    def wait_after(self, time_s: float, timeout_s: float) -> tuple[float, T]:
        """Wait for a value newer than ``time_s`` and return the newest.

        Raises:
            CaptureError: none within ``timeout_s`` seconds, or the writer has failed.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._error is not None or bool(self._values and self._values[-1][0] > time_s)
                ),
                timeout_s,
            )
            self._raise_error()
            if not self._values or self._values[-1][0] <= time_s:
                raise CaptureError(
                    f"{self._name} gave no picture for {timeout_s:g} s; expected several a second:"
                    " check its cable or network"
                )
            return self._values[-1]

    def _raise_error(self) -> None:
        if self._error is None:
            return
        # Where the writer names the device as well, once is enough.
        said = f"{self._name} stopped: {str(self._error).removeprefix(f'{self._name} ')}"
        if not isinstance(self._error, CaptureError):
            said += "; expected it to go on: check its cable or network and start again"
        raise CaptureError(said) from self._error
