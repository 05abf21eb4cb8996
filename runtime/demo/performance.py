"""The demo itself: enrol from clips, learn the background, recognise the live clip."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from headstart.runtime.demo.judging import Count, Span, Verdict, count_right, judge, spans_of
from headstart.runtime.demo.storyboard import Clip, read_storyboard
from headstart.runtime.demo.thumbnail import jpeg_data_uri
from headstart.runtime.errors import CaptureError
from headstart.runtime.live.decision import Decision
from headstart.runtime.live.pipeline import recognise_stream
from headstart.runtime.recognizer import Recognizer
from headstart.runtime.sample import Sample
from headstart.runtime.sources.folder import read_samples
from headstart.runtime.sources.quality import keep_usable
from headstart.runtime.sources.source import RATE_HZ
from headstart.runtime.sources.stream import open_source

SHOTS = 5
_LOOKS = 2
"""Samples of each background thing; together they count as one thing."""

Progress = Callable[[str, float], None]
"""Told what is being done and how far the whole demo is, 0…1."""


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """One enrolment: how many samples of which modalities, and how long it took from the file."""

    name: str
    thing: str
    samples: int
    modalities: tuple[str, ...]
    took_ms: float
    thumbnail: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """One decision of the live clip, as a page draws it."""

    time_s: float
    label: str | None
    score: float
    streams: dict[str, float]
    latency_ms: float


@dataclass(frozen=True, kw_only=True)
class Performance:
    """Everything that came of one demo.

    Args:
        enrolled: in order.
        background_things: distinct things that were learnt as background.
        adapt_ms: fitting the model to all that is enrolled.
        looks: every decision of the live clip.
        spans: smoothed answers of the live clip.
        verdicts: one for each segment of the live clip.
        thumbnails: one for each verdict, a data URI or empty.
        duration_s: of the live clip.
        seconds: the whole demo took.
    """

    enrolled: tuple[Enrolled, ...]
    background_things: int
    adapt_ms: float
    looks: tuple[Look, ...]
    spans: tuple[Span, ...]
    verdicts: tuple[Verdict, ...]
    thumbnails: tuple[str, ...]
    duration_s: float
    seconds: float

    @property
    def counts(self) -> dict[str, Count]:
        """How many segments of each kind were right."""
        return count_right(self.verdicts)

    @property
    def reached(self) -> bool:
        """Whether all goals are."""
        return all(count.reached for count in self.counts.values())

    @property
    def decision_ms(self) -> float:
        """Median time of one decision: quality, encoders, head; decoding goes on meanwhile."""
        ordered = sorted(look.latency_ms for look in self.looks)
        return ordered[len(ordered) // 2] if ordered else 0.0


def perform(
    recognizer: Recognizer,
    folder: Path,
    *,
    progress: Progress = lambda what, part: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Performance:
    """Play the whole demo with a recogniser whose gallery is empty.

    Args:
        recognizer: will be taught.
        folder: clips with their storyboard.
        progress: told of every step.
        stopped: asked now and then; the rest is left out once it says True.

    Raises:
        ArtifactError: clips or storyboard are missing or damaged.
        CaptureError: a clip cannot be read.
    """
    began_s = time.perf_counter()
    board = read_storyboard(folder)
    clips = board.of_role("enrol")
    enrolled = []
    for number, clip in enumerate(clips):
        progress(f"enrolling {clip.label}", 0.25 * number / len(clips))
        enrolled.append(_enrol(recognizer, folder / clip.file, clip))
    things = 0
    for clip in board.of_role("background"):
        progress("learning what else is there", 0.25)
        things += _learn_background(recognizer, folder / clip.file, clip)
    before_s = time.perf_counter()
    recognizer.model()
    adapt_ms = 1e3 * (time.perf_counter() - before_s)
    live = board.of_role("live")[0]
    watcher = _Watcher(live, lambda part: progress("recognising live", 0.45 + 0.55 * part))
    source = open_source(folder / live.file, rate_hz=RATE_HZ)
    events = list(recognise_stream(recognizer, source, watch=watcher.see, stopped=stopped))
    spans = spans_of(events)
    return Performance(
        enrolled=tuple(enrolled),
        background_things=things,
        adapt_ms=adapt_ms,
        looks=tuple(watcher.looks),
        spans=spans,
        verdicts=judge(live.segments, spans),
        thumbnails=tuple(watcher.thumbnails()),
        duration_s=live.duration_s,
        seconds=time.perf_counter() - began_s,
    )


def _enrol(recognizer: Recognizer, path: Path, clip: Clip) -> Enrolled:
    before_s = time.perf_counter()
    usable = [keep_usable(sample).sample for sample in read_samples([path], shots=SHOTS).samples]
    samples = [sample for sample in usable if sample is not None]
    name = clip.label or path.stem
    recognizer.enroll(name, samples)
    took_ms = 1e3 * (time.perf_counter() - before_s)
    seen = next((s.image for s in samples if s.image is not None), None)
    held = {modality for sample in samples for modality in sample.modalities}
    return Enrolled(
        name=name,
        thing=clip.segments[0].thing,
        samples=len(samples),
        modalities=tuple(m for m in ("image", "audio") if m in held),
        took_ms=took_ms,
        thumbnail="" if seen is None else jpeg_data_uri(seen.pixels),
    )


def _learn_background(recognizer: Recognizer, path: Path, clip: Clip) -> int:
    """Add a few looks at each of the clip's things; how many things there were."""
    with open_source(path, rate_hz=RATE_HZ) as source:
        kept = list(_looks(source.samples(), clip))
    if not kept:
        raise CaptureError(f"{path} shows no background; expected things to be seen or heard")
    recognizer.add_background(kept)
    return len({sample.group for sample in kept})


def _looks(samples: Iterable[Sample], clip: Clip) -> Iterator[Sample]:
    """Up to ``_LOOKS`` samples of each thing, half a second apart, with the thing as group."""
    given: dict[float, list[float]] = {}
    for sample in samples:
        at_s = sample.time_s or 0.0
        # The sound of a sample reaches 1.5 s back: the first second still holds the thing before.
        segment = next((s for s in clip.segments if s.start_s + 1.0 < at_s <= s.end_s), None)
        if segment is None:
            continue
        times = given.setdefault(segment.start_s, [])
        if len(times) == _LOOKS or (times and at_s - times[-1] < 0.5):
            continue
        usable = keep_usable(sample).sample
        if usable is not None:
            times.append(at_s)
            yield replace(usable, group=segment.thing)


class _Watcher:
    """Keeps what the page needs of each decision: numbers, and one picture of each segment."""

    def __init__(self, clip: Clip, progress: Callable[[float], None]) -> None:
        self.looks: list[Look] = []
        self._clip = clip
        self._progress = progress
        self._nearest: dict[float, tuple[float, str]] = {}

    def see(self, sample: Sample, decision: Decision) -> None:
        time_s = decision.time_s or 0.0
        self._progress(min(1.0, time_s / self._clip.duration_s))
        self.looks.append(
            Look(
                time_s=time_s,
                label=decision.answer.label,
                score=decision.answer.score,
                streams=dict(decision.answer.streams),
                latency_ms=decision.latency_ms,
            )
        )
        segment = next((s for s in self._clip.segments if s.start_s < time_s <= s.end_s), None)
        if segment is None or segment.kind == "nothing" or sample.image is None:
            return
        off_s = abs(time_s - (segment.start_s + segment.end_s) / 2)
        if segment.start_s not in self._nearest or off_s < self._nearest[segment.start_s][0]:
            self._nearest[segment.start_s] = off_s, jpeg_data_uri(sample.image.pixels)

    def thumbnails(self) -> Iterator[str]:
        for segment in self._clip.segments:
            yield self._nearest.get(segment.start_s, (0.0, ""))[1]
