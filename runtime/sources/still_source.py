"""Single pictures, sounds and folders of them as a source."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from types import TracebackType

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import Sample
from headstart.runtime.sources.folder import MediaItem, read_sample

logger = logging.getLogger(__name__)


class StillSource:
    """One sample for each item, in order; their times are None but for videos.

    An item that cannot be read is kept in ``failures``, logged as a warning, and the rest go on; if
    none can be read, ``samples`` raises.

    Args:
        items: what to read.
        name: where they come from, for people to read.
    """

    dropped = 0

    def __init__(self, items: Sequence[MediaItem], *, name: str) -> None:
        self.name = name
        self._items = tuple(items)
        self._failures: list[tuple[str, CaptureError]] = []
        self._closed = False

    @property
    def failures(self) -> tuple[tuple[str, CaptureError], ...]:
        """Items that could not be read so far, with their reasons."""
        return tuple(self._failures)

    def samples(self) -> Iterator[Sample]:
        """Yield one sample for each readable item.

        Raises:
            CaptureError: not one could be read; the first reason.
        """
        given = 0
        for item in self._items:
            if self._closed:
                return
            try:
                sample = read_sample(item)
            except CaptureError as error:
                if len(self._items) > 1:
                    logger.warning("left out: %s", error)
                self._failures.append((str(item.paths[0]), error))
                continue
            given += 1
            yield sample
        if not given and self._failures:
            raise self._failures[0][1]

    def close(self) -> None:
        """End ``samples`` before its next item; safe to call twice."""
        self._closed = True

    def __enter__(self) -> StillSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
