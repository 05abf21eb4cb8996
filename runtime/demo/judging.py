"""The answers of a run beside the truth of its storyboard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headstart.runtime.demo.storyboard import Segment
from headstart.runtime.live.events import Event

TAIL_S = 0.75
"""A name may come this long after its thing was taken away: the sound is 1.5 s long and several
decisions must agree."""

ENROLLED_GOAL = 0.95
NEVER_ENROLLED_GOAL = 0.90


@dataclass(frozen=True, kw_only=True)
class Span:
    """One event from ``new`` to ``end``.

    Args:
        label: the class; None for unknown.
        start_s: when it was said.
        end_s: when it was taken back.
        sure: highest probability while it lasted, 0…1.
        streams: mean shares while it lasted.
    """

    label: str | None
    start_s: float
    end_s: float
    sure: float
    streams: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was answered in one segment.

    Args:
        segment: the truth.
        said: names that were said in it, in order; empty where it was all unknown.
        right: enrolled: its own name and no other; otherwise: no name.
        share: part of the segment during which the right answer stood, 0…1.
        sure: probability of the right name, 0…1; 0 where it was not said.
        streams: shares of the answer that counts.
    """

    segment: Segment
    said: tuple[str, ...]
    right: bool
    share: float
    sure: float
    streams: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Count:
    """So many right of so many, and the share that is asked for (0: nothing is)."""

    right: int
    of: int
    goal: float = 0.0

    @property
    def share(self) -> float:
        """0…1; 1 of nothing."""
        return self.right / self.of if self.of else 1.0

    @property
    def reached(self) -> bool:
        """Whether the goal is."""
        return self.share >= self.goal


def spans_of(events: Iterable[Event]) -> tuple[Span, ...]:
    """Put each event's lines together, in order of their start.

    Every event has to be ended, as `recognise_stream` does.
    """
    lines: dict[str, list[Event]] = {}
    for event in events:
        lines.setdefault(event.id, []).append(event)
    return tuple(
        Span(
            label=group[0].label,
            start_s=group[0].time_s or 0.0,
            end_s=group[-1].time_s or 0.0,
            sure=max(event.probability for event in group),
            streams=_mean_shares(group),
        )
        for group in lines.values()
    )


def judge(segments: Sequence[Segment], spans: Sequence[Span]) -> tuple[Verdict, ...]:
    """Compare each segment with the names that were said during it.

    A name counts for the segment in which it is first said. Where something is shown, that lasts
    ``TAIL_S`` into the gap after it, which then begins later.
    """
    verdicts = []
    begins_s = 0.0
    for segment in segments:
        ends_s = segment.end_s + (0.0 if segment.kind == "nothing" else TAIL_S)
        begun = [s for s in spans if s.label is not None and begins_s <= s.start_s < ends_s]
        begins_s = ends_s
        verdicts.append(_verdict(segment, begun, spans))
    return tuple(verdicts)


def count_right(verdicts: Sequence[Verdict]) -> dict[str, Count]:
    """How many segments of each kind were right."""
    goals = {"enrolled": ENROLLED_GOAL, "never enrolled": NEVER_ENROLLED_GOAL, "nothing": 0.0}
    return {
        kind: Count(
            right=sum(v.right for v in verdicts if v.segment.kind == kind),
            of=sum(v.segment.kind == kind for v in verdicts),
            goal=goal,
        )
        for kind, goal in goals.items()
    }


def _verdict(segment: Segment, begun: Sequence[Span], spans: Sequence[Span]) -> Verdict:
    said = tuple(dict.fromkeys(span.label for span in begun if span.label is not None))
    right = said == (() if segment.label is None else (segment.label,))
    within = [span for span in spans if span.label == segment.label and _overlap_s(span, segment)]
    own = [span for span in begun if span.label == segment.label] or within
    shown = max(own or begun, key=lambda span: _overlap_s(span, segment), default=None)
    return Verdict(
        segment=segment,
        said=said,
        right=right,
        share=sum(_overlap_s(s, segment) for s in within) / (segment.end_s - segment.start_s),
        sure=max((span.sure for span in begun if span.label == segment.label), default=0.0),
        streams={} if shown is None else shown.streams,
    )


def _overlap_s(span: Span, segment: Segment) -> float:
    return max(0.0, min(span.end_s, segment.end_s) - max(span.start_s, segment.start_s))


def _mean_shares(events: Sequence[Event]) -> dict[str, float]:
    names = dict.fromkeys(name for event in events for name in event.streams)
    return {name: sum(e.streams.get(name, 0.0) for e in events) / len(events) for name in names}
