"""The yardstick: many small enrolments on a data folder, through the very code that devices run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.errors import ConfigError
from headstart.runtime.evaluation.dataset import Dataset, Embedded, Reading, Track, embed_dataset
from headstart.runtime.evaluation.episodes import Episode, draw_episodes, usable_classes
from headstart.runtime.evaluation.metrics import (
    accuracy,
    auroc,
    average_precision,
    ci95,
    ece,
    false_accept_share,
    false_reject_share,
    macro_f1,
    spread,
)
from headstart.runtime.evaluation.report import EvaluationResult, UnknownResult
from headstart.runtime.fusion.late import Placed
from headstart.runtime.recognition.model import AdaptedModel
from headstart.runtime.recognition.support import Support, number_things
from headstart.runtime.recognizer import Recognizer
from headstart.runtime.sample import MODALITIES
from headstart.runtime.sources.folder import MediaItem, items_in, scan


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """What to evaluate; see ``headstart eval --help`` for each option."""

    ways: int = 5
    shots: int = 1
    queries: int = 10
    episodes: int = 300
    seed: int = 0
    modalities: tuple[str, ...] = MODALITIES
    head: str = "auto"
    support_glob: str | None = None
    unknown_ways: int = 0
    false_accept_share: float = 0.05
    corruption: str = ""
    cache_folder: Path | None = None


@dataclass(kw_only=True)
class _Tally:
    """What is collected over the episodes."""

    accuracy: list[float] = field(default_factory=list)
    macro_f1: list[float] = field(default_factory=list)
    average_precision: list[float] = field(default_factory=list)
    confidence: list[NDArray[np.float64]] = field(default_factory=list)
    correct: list[NDArray[np.bool_]] = field(default_factory=list)
    auroc: list[float] = field(default_factory=list)
    far: list[float] = field(default_factory=list)
    frr: list[float] = field(default_factory=list)


def evaluate(
    recognizer: Recognizer,
    data: Path,
    plan: EvaluationPlan,
    *,
    background: Path | None = None,
    track_items: Track = lambda items: items,
    track_episodes: Callable[[Sequence[Episode]], Iterable[Episode]] = lambda episodes: episodes,
) -> EvaluationResult:
    """Measure few-shot recognition on ``DATA/<class>/<stem>.<extension>``.

    Args:
        recognizer: its bundle, streams and spaces are used, its gallery is not touched.
        data: the data folder.
        plan: what to measure.
        background: a data folder whose classes are each one thing of the background; classes of
            the same name in ``data`` are then neither known nor unknown.
        track_items: shows progress of embedding.
        track_episodes: shows progress of the episodes.

    Raises:
        CaptureError: a folder holds no class with media.
        ConfigError: more ways, shots or unknown ways than the data has.
    """
    begun = time.perf_counter()
    wrong = [m for m in plan.modalities if m not in MODALITIES]
    if wrong or not plan.modalities:
        raise ConfigError(f"modalities {wrong} were asked for; expected some of {MODALITIES}")
    reading = Reading(
        modalities=plan.modalities,
        corruption=plan.corruption,
        seed=plan.seed,
        cache_folder=plan.cache_folder,
    )
    around, excluded = _background(recognizer, background, reading, track_items)
    items = [item for item in scan(data) if item.label not in excluded]
    dataset = _embed(recognizer, items, reading, track_items)
    if not dataset.classes:
        failed = f"{len(dataset.failures)} failed"
        if dataset.failures:
            failed += f", the first because {dataset.failures[0][1]}"
        raise ConfigError(
            f"no sample in {data} could be used ({failed}); expected classes with"
            f" {', '.join(plan.modalities)}: check the files, the modalities and the streams"
        )
    stems = {name: [e.stem for e in samples] for name, samples in dataset.classes.items()}
    episodes = draw_episodes(
        stems,
        ways=plan.ways,
        shots=plan.shots,
        queries=plan.queries,
        episodes=plan.episodes,
        seed=plan.seed,
        unknown_ways=plan.unknown_ways,
        support_glob=plan.support_glob,
    )
    tally = _Tally()
    for episode in track_episodes(episodes):
        _run(recognizer, episode, dataset, around, plan, tally)
    usable = usable_classes(stems, shots=plan.shots, support_glob=plan.support_glob)
    return _result(plan, recognizer, dataset, usable, tally, time.perf_counter() - begun)


def _embed(
    recognizer: Recognizer, items: Sequence[MediaItem], reading: Reading, track: Track
) -> Dataset:
    embedder: Embedder = recognizer.embedder
    entries = recognizer.bundle.manifest.streams
    return embed_dataset(items, embedder, entries, recognizer.spaces, reading, track)


def _background(
    recognizer: Recognizer, folder: Path | None, reading: Reading, track: Track
) -> tuple[list[tuple[str, Placed]], set[str]]:
    """Background samples with the thing each shows, and the class names to leave out."""
    if folder is None:
        return [], set()
    has_folders = any(child.is_dir() for child in folder.iterdir()) if folder.is_dir() else False
    items = scan(folder) if has_folders else items_in(folder)
    clean = Reading(modalities=reading.modalities, cache_folder=reading.cache_folder)
    dataset = _embed(recognizer, items, clean, track)
    looks = [
        (name or sample.stem, sample.support.first())
        for name, samples in dataset.classes.items()
        for sample in samples
    ]
    return looks, {name for name in dataset.classes if name}


def _run(
    recognizer: Recognizer,
    episode: Episode,
    dataset: Dataset,
    around: list[tuple[str, Placed]],
    plan: EvaluationPlan,
    tally: _Tally,
) -> None:
    known = [dataset.classes[c.name] for c in episode.known]
    support = Support(
        names=tuple(c.name for c in episode.known),
        samples=tuple(
            known[way][i].support for way, c in enumerate(episode.known) for i in c.support
        ),
        labels=np.array([way for way, c in enumerate(episode.known) for _ in c.support], np.int64),
        background=tuple(points for _, points in around),
        things=number_things([thing for thing, _ in around]),
    )
    model = AdaptedModel(
        support,
        recognizer.dims,
        recognizer.start,
        head=plan.head,
        false_accept_share=plan.false_accept_share,
    )
    asked = [(known[way][i], way) for way, c in enumerate(episode.known) for i in c.queries]
    scores = _score(model, [sample for sample, _ in asked], len(known))
    truth = np.array([way for _, way in asked], np.int64)
    # A query that could be compared with nothing has no answer: −1 is nobody's class.
    compared = scores.probability.any(axis=1)
    best = np.where(compared, scores.probability.argmax(axis=1), -1)
    tally.accuracy.append(accuracy(best, truth))
    tally.macro_f1.append(macro_f1(best, truth))
    tally.average_precision.append(average_precision(scores.probability, truth))
    tally.confidence.append(scores.probability.max(axis=1))
    tally.correct.append(best == truth)
    if episode.unknown:
        strangers = [dataset.classes[c.name][i] for c in episode.unknown for i in c.queries]
        unknown = _score(model, strangers, len(known)).known
        tally.auroc.append(auroc(scores.known, unknown))
        tally.far.append(false_accept_share(unknown > 0))
        tally.frr.append(false_reject_share(scores.known > 0))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Scored:
    probability: NDArray[np.float64]
    known: NDArray[np.float64]


def _score(model: AdaptedModel, samples: Sequence[Embedded], ways: int) -> _Scored:
    """Score queries in batches that have the same streams; one with nothing left is unknown."""
    probability = np.zeros((len(samples), ways))
    known = np.full(len(samples), -np.inf)
    batches: dict[tuple[str, ...], list[int]] = {}
    for i, sample in enumerate(samples):
        if sample.query is not None:
            batches.setdefault(tuple(sample.query.points), []).append(i)
    for members in batches.values():
        scores = model.score([query for i in members if (query := samples[i].query) is not None])
        probability[members] = scores.probability
        known[members] = scores.known
    return _Scored(probability=probability, known=known)


def _result(
    plan: EvaluationPlan,
    recognizer: Recognizer,
    dataset: Dataset,
    usable: Sequence[str],
    tally: _Tally,
    seconds: float,
) -> EvaluationResult:
    unknown = None
    if plan.unknown_ways:
        far, frr = spread(tally.far), spread(tally.frr)
        unknown = UnknownResult(
            auroc=float(np.mean(tally.auroc)),
            far_asked=plan.false_accept_share,
            far=far.mean,
            frr=frr.mean,
            far_median=far.median,
            far_p90=far.p90,
        )
    present = {s for samples in dataset.classes.values() for e in samples for s in e.support.points}
    return EvaluationResult(
        accuracy=float(np.mean(tally.accuracy)),
        ci95=ci95(tally.accuracy),
        macro_f1=float(np.mean(tally.macro_f1)),
        average_precision=float(np.mean(tally.average_precision)),
        ways=plan.ways,
        shots=plan.shots,
        classes=len(usable),
        samples=sum(len(dataset.classes[name]) for name in usable),
        episodes=len(tally.accuracy),
        head=plan.head,
        modalities=plan.modalities,
        streams=tuple(s for s in recognizer.dims if s in present),
        ece=ece(np.concatenate(tally.confidence), np.concatenate(tally.correct)),
        seconds=seconds,
        classes_left_out=len(dataset.classes) - len(usable),
        samples_left_out=len(dataset.failures),
        unknown=unknown,
    )
