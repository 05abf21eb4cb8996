"""Sources read on threads of their own, so that decoding overlaps with recognition."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from headstart.runtime.errors import HeadstartError
from headstart.runtime.sample import Sample
from headstart.runtime.sources.live_source import LiveSource
from headstart.runtime.sources.source import Source

Policy = Literal["newest", "every"]
"""What happens to samples that come faster than they are recognised: ``newest`` replaces the one
that waits and counts it as dropped; ``every`` makes the source wait."""

_POLL_S = 0.1
"""How often a waiting reader looks whether it shall stop."""

_JOIN_S = 1.0
"""How long closing waits for a source that hangs; its thread does not keep the process alive."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Taken:
    """A sample on its way to recognition.

    Args:
        index: which of the sources it came from.
        sample: the sample; None says that this source has ended.
        received_s: when it came out of its source, seconds on ``time.monotonic``'s clock.
        dropped: samples of its source that were left out so far.
        error: why the source ended, if it failed.
    """

    index: int
    sample: Sample | None
    received_s: float
    dropped: int
    error: BaseException | None = None


def policy_of(source: Source) -> Policy:
    """What suits the source: a device does not wait, a recording does."""
    return "newest" if isinstance(source, LiveSource) else "every"


class Readers:
    """Reads several sources at once; iterate to get their samples in the order of arrival.

    One thread for each source opens, reads and closes it. At most one sample of each source
    waits. Iterate from one thread; ``close`` may be called from any.

    Args:
        sources: not yet entered.
        policy: for all of them; None is `policy_of` each.
        stopped: asked ten times a second; once it says True, iteration ends.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        policy: Policy | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._sources = tuple(sources)
        self._policies = [policy or policy_of(source) for source in self._sources]
        self._stopped = stopped
        self._changed = threading.Condition()
        self._waiting: deque[Taken] = deque()
        self._replaced = [0] * len(self._sources)
        self._closed = False
        self._threads = [
            threading.Thread(
                target=self._read, args=(index,), name=f"read {source.name}", daemon=True
            )
            for index, source in enumerate(self._sources)
        ]

    def __iter__(self) -> Iterator[Taken]:
        """Start reading and give samples until all sources have ended, then close.

        The end of each source is given as well, with its error if it failed.
        """
        try:
            for thread in self._threads:
                thread.start()
            ended = 0
            while ended < len(self._sources):
                taken = self._next()
                if taken is None:
                    return
                ended += taken.sample is None
                yield taken
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading and close the sources; safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for source in self._sources:
            source.close()
        deadline_s = time.monotonic() + _JOIN_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline_s - time.monotonic()))

    def _next(self) -> Taken | None:
        with self._changed:
            while not self._closed and not self._stopped():
                if self._waiting:
                    taken = self._waiting.popleft()
                    self._changed.notify_all()
                    return taken
                self._changed.wait(_POLL_S)
        return None

    def _read(self, index: int) -> None:
        source = self._sources[index]
        error: BaseException | None = None
        try:
            with source:
                # Closed while it was being opened, a source would go on: look before reading.
                samples = iter(source.samples()) if not self._closed else iter(())
                for sample in samples:
                    self._put(index, sample)
                    if self._closed:
                        return
        except BaseException as cause:  # it reaches the reader, who raises it
            error = cause
        self._put(index, None, error)

    def _put(self, index: int, sample: Sample | None, error: BaseException | None = None) -> None:
        received_s = time.monotonic()
        with self._changed:
            newest = self._policies[index] == "newest" and sample is not None
            while not newest and not self._closed and self._waits(index):
                self._changed.wait(_POLL_S)
            if newest and self._waits(index):
                self._replaced[index] += 1
                self._waiting = deque(t for t in self._waiting if t.index != index)
            dropped = self._sources[index].dropped + self._replaced[index]
            self._waiting.append(
                Taken(
                    index=index,
                    sample=sample,
                    received_s=received_s,
                    dropped=dropped,
                    error=error,
                )
            )
            self._changed.notify_all()

    def _waits(self, index: int) -> bool:
        return any(taken.index == index for taken in self._waiting)


def failure_of(taken: Taken) -> HeadstartError | None:
    """The error with which a source ended, if it is one of ours.

    Raises:
        BaseException: it ended with one that is not: a fault in the program.
    """
    if taken.error is None or isinstance(taken.error, HeadstartError):
        return taken.error
    raise taken.error
