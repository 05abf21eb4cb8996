"""What a reader of recognition gets: something is there (new), still there (update), gone (end)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from headstart.runtime.live.decision import Decision
from headstart.runtime.live.smoothing import Settled, Smoothing, Votes, best_guess, vote

EventType = Literal["new", "update", "end"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of ``headstart run --json``.

    ``type``, ``id``, ``label`` and ``unknown`` are the smoothed answer; the numbers are those of
    the newest decision that agrees with it.

    Args:
        type: ``new``, ``update`` or ``end``. A still is one ``new`` that nothing follows.
        id: the same from ``new`` to ``end``, and never used again in a run.
        time_s: of the decision that caused it, seconds on the source's clock; None for stills.
        source: where it came from.
        label: the class; None for unknown.
        score: above 0 is known; −∞ where nothing could be compared.
        probability: of the best class among the enrolled, 0…1.
        unknown: nothing enrolled is there; a period of unknown is an event too.
        streams: shares that sum to 1; empty where there was nothing to see or hear.
        top: best classes with their probabilities, best first.
        latency_ms: as in `Decision`.
        dropped: as in `Decision`.
        reason: why unknown, in words; not part of the JSON.
    """

    type: EventType
    id: str
    time_s: float | None
    source: str
    label: str | None
    score: float
    probability: float
    unknown: bool
    streams: Mapping[str, float]
    top: tuple[tuple[str, float], ...]
    latency_ms: float
    dropped: int
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values; what is not finite becomes null."""
        return {
            "type": self.type,
            "id": self.id,
            "time_s": _number(self.time_s, 3),
            "source": self.source,
            "label": self.label,
            "score": _number(self.score),
            "probability": _number(self.probability),
            "unknown": self.unknown,
            "streams": {stream: _number(share) for stream, share in self.streams.items()},
            "top": [[label, _number(probability)] for label, probability in self.top],
            "latency_ms": _number(self.latency_ms, 1),
            "dropped": self.dropped,
        }


def numbered(prefix: str = "") -> Callable[[], str]:
    """Ids ``<prefix>1``, ``<prefix>2``, …; share one among the sources of a run."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


class Tracker:
    """Turns one source's decisions into its events. Not for several threads at once."""

    def __init__(
        self, smoothing: Smoothing | None = None, next_id: Callable[[], str] | None = None
    ) -> None:
        self._smoothing = smoothing or Smoothing()
        self._next_id = next_id or numbered()
        self._votes = Votes()
        self._id = ""
        self._shown: Decision | None = None
        self._last: Decision | None = None
        self._agreeing: dict[str | None, Decision] = {}

    def still(self, decision: Decision) -> Event:
        """The event of a picture or sound that has no time: it stands for itself."""
        return _event("new", self._next_id(), decision, Settled(label=decision.answer.label))

    def take(self, decision: Decision) -> Iterator[Event]:
        """Give the events that a decision causes: an end, a new one, an update, or nothing yet."""
        before = self._votes
        after = vote(before, decision.answer.label, decision.time_s, self._smoothing)
        ended = before.settled is not None and (after.broken or after.settled != before.settled)
        began = after.settled is not None and (before.settled is None or ended)
        if ended:
            # Before a hole in time it was there; after it, nobody knows.
            yield self._end(self._last if after.broken else decision)
        self._votes, self._last = after, decision
        self._agreeing[decision.answer.label] = decision
        kept = {*after.recent, *(() if after.settled is None else (after.settled.label,))}
        self._agreeing = {label: d for label, d in self._agreeing.items() if label in kept}
        if after.settled is None:
            return
        if began:
            self._id = self._next_id()
        self._shown = self._agreeing.get(after.settled.label, self._shown)
        yield _event("new" if began else "update", self._id, self._shown, after.settled, decision)

    def finish(self) -> Iterator[Event]:
        """Give what is left to say when the source ends; the tracker then starts anew."""
        if self._last is not None:
            guess = best_guess(self._votes)
            if self._votes.settled is None and guess is not None:
                # Too short for agreement, but not for an answer.
                self._id = self._next_id()
                self._shown = self._agreeing[guess.label]
                self._votes = Votes(settled=guess)
                yield _event("new", self._id, self._shown, guess, self._last)
            yield self._end(self._last)
        self._votes, self._last, self._shown = Votes(), None, None
        self._agreeing.clear()

    def _end(self, at: Decision | None) -> Event:
        settled = self._votes.settled
        assert settled is not None and self._shown is not None
        return _event("end", self._id, self._shown, settled, at)


def _event(
    kind: EventType,
    id: str,
    shown: Decision | None,
    settled: Settled,
    at: Decision | None = None,
) -> Event:
    """An event with the numbers of ``shown`` and the time of ``at`` (default: the same)."""
    assert shown is not None
    answer, at = shown.answer, at or shown
    return Event(
        type=kind,
        id=id,
        time_s=at.time_s,
        source=at.source,
        label=settled.label,
        score=answer.score,
        probability=answer.probability,
        unknown=settled.label is None,
        streams=dict(answer.streams),
        top=answer.top,
        latency_ms=at.latency_ms,
        dropped=at.dropped,
        reason=answer.reason,
    )


def _number(value: float | None, digits: int = 4) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)
