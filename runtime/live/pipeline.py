"""The live pipeline: sources → samples → decisions → smoothing → events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from headstart.runtime.errors import HeadstartError
from headstart.runtime.live.decision import Decision, Recognizes, decide
from headstart.runtime.live.events import Event, Tracker, numbered
from headstart.runtime.live.reading import Policy, Readers, Taken, failure_of, policy_of
from headstart.runtime.live.room import Room, listen
from headstart.runtime.live.smoothing import Smoothing
from headstart.runtime.sample import Sample
from headstart.runtime.sources.source import Source
from headstart.runtime.sources.still_source import StillSource

Watcher = Callable[[Sample, Decision], None]
"""Sees each sample with its own decision, before smoothing."""


def recognise_stream(
    recognizer: Recognizes,
    source: Source,
    *,
    smoothing: Smoothing | None = None,
    policy: Policy | None = None,
    next_id: Callable[[], str] | None = None,
    watch: Watcher | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[Event, None, None]:
    """Recognise what a source shows until it ends; the source is opened and closed here.

    The source is read on a thread of its own, everything else happens in the caller's.

    Args:
        recognizer: answers single samples.
        source: not yet entered.
        smoothing: None is the default rule. Stills are not smoothed: each is an event.
        policy: ``newest`` or ``every``; None is what suits the source.
        next_id: gives the events' ids; None counts from 1.
        watch: sees every decision.
        stopped: asked ten times a second; once it says True, what is open is ended and that is all.

    Raises:
        CaptureError: the source cannot be read (any more); what was open has been ended before.
        ArtifactError: the gallery cannot be read.
    """
    yield from recognise_streams(
        recognizer,
        (source,),
        smoothing=smoothing,
        policy=policy,
        next_id=next_id,
        watch=watch,
        stopped=stopped,
    )


def recognise_streams(
    recognizer: Recognizes,
    sources: Sequence[Source],
    *,
    smoothing: Smoothing | None = None,
    policy: Policy | None = None,
    next_id: Callable[[], str] | None = None,
    watch: Watcher | None = None,
    stopped: Callable[[], bool] = lambda: False,
    failed: Callable[[str, HeadstartError], None] | None = None,
) -> Generator[Event, None, None]:
    """Recognise several sources at once, each with events of its own; see `recognise_stream`.

    A source that fails does not stop the others.

    Args:
        failed: told at once when a source fails while others go on: its name and the error.

    Raises:
        CaptureError: all sources have ended and at least one failed; the first failure.
    """
    next_id = next_id or numbered()
    channels = [
        _Channel(
            recognizer, source, Tracker(smoothing, next_id), policy or policy_of(source), watch
        )
        for source in sources
    ]
    failures: list[HeadstartError] = []
    with closing(Readers(sources, policy=policy, stopped=stopped)) as readers:
        going = len(sources)
        for taken in readers:
            channel = channels[taken.index]
            if taken.sample is not None:
                yield from channel.take(taken, taken.sample)
                continue
            going -= 1
            yield from channel.finish()
            error = failure_of(taken)
            if error is not None:
                failures.append(error)
                if failed is not None and going:
                    failed(sources[taken.index].name, error)
    for channel in channels:
        yield from channel.finish()
    if failures:
        raise failures[0]


class _Channel:
    """What is remembered of one source between its samples: its room, its votes."""

    def __init__(
        self,
        recognizer: Recognizes,
        source: Source,
        tracker: Tracker,
        policy: Policy,
        watch: Watcher | None,
    ) -> None:
        self._recognizer = recognizer
        self._stills = isinstance(source, StillSource)
        self._tracker = tracker
        self._policy: Policy = policy
        self._watch = watch
        self._room = Room()

    def take(self, taken: Taken, sample: Sample) -> Iterator[Event]:
        """Decide about one sample and give the events that follow."""
        still = self._stills or sample.time_s is None
        if not still:
            self._room = listen(self._room, sample.audio)
        decided = decide(self._recognizer, sample, self._room.quiet_dbfs)
        decision = _timed(decided, taken, self._policy)
        if self._watch is not None:
            self._watch(sample, decision)
        if still:
            yield self._tracker.still(decision)
        else:
            yield from self._tracker.take(decision)

    def finish(self) -> Iterator[Event]:
        """Give what is left to say; nothing the second time."""
        yield from self._tracker.finish()


def _timed(decision: Decision, taken: Taken, policy: Policy) -> Decision:
    age_s = _age_s(taken.sample) if policy == "newest" and taken.sample is not None else 0.0
    latency_s = time.monotonic() - taken.received_s + age_s
    return replace(decision, latency_ms=1e3 * latency_s, dropped=taken.dropped)


def _age_s(sample: Sample) -> float:
    """How old the newest part of a live sample was when it was put together, in seconds."""
    newest = []
    if sample.image is not None and sample.image.time_s is not None:
        newest.append(sample.image.time_s)
    if sample.audio is not None and sample.audio.start_s is not None:
        newest.append(sample.audio.start_s + sample.audio.duration_s)
    if not newest or sample.time_s is None:
        return 0.0
    return max(0.0, sample.time_s - max(newest))
