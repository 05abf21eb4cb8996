"""A data folder, embedded: every sample once as support and, if corrupted, once more as query."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from headstart.runtime.bundle.manifest import StreamEntry
from headstart.runtime.embedding.embedder import Embedder, Role
from headstart.runtime.embedding.embedding import Embedding
from headstart.runtime.errors import CaptureError, EnrolmentError, HeadstartError
from headstart.runtime.evaluation.cache import CacheKey, EmbeddingCache
from headstart.runtime.evaluation.corruptions import corrupt, sample_generator
from headstart.runtime.fusion.late import Placed
from headstart.runtime.fusion.spaces import Spaces, as_stored, place
from headstart.runtime.sample import Sample
from headstart.runtime.sources.folder import MediaItem, read_sample

Track = Callable[[Iterable[MediaItem]], Iterable[MediaItem]]
"""Wraps the items to show progress; the identity shows none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedded:
    """One sample in its calibrated spaces.

    Args:
        stem: file name without extension.
        support: as it would be enrolled.
        query: as it would be asked about; None when corruption left nothing of it.
    """

    stem: str
    support: Placed
    query: Placed | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """An embedded data folder.

    Args:
        classes: class name → its samples, both sorted by name.
        failures: what could not be read or encoded, with the reason.
    """

    classes: Mapping[str, tuple[Embedded, ...]]
    failures: tuple[tuple[str, HeadstartError], ...]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How samples of a data folder are read.

    Args:
        modalities: those to keep; the others are dropped.
        corruption: as given to ``--corrupt``, for queries only; empty for none.
        seed: of the corruption.
        cache_folder: where embeddings are kept; None keeps none.
    """

    modalities: tuple[str, ...]
    corruption: str = ""
    seed: int = 0
    cache_folder: Path | None = None


def embed_dataset(
    items: Iterable[MediaItem],
    embedder: Embedder,
    entries: Mapping[str, StreamEntry],
    spaces: Spaces,
    reading: Reading,
    track: Track = lambda items: items,
) -> Dataset:
    """Embed every item; what fails is listed and left out."""
    clean = _Reader(embedder, entries, reading, "support", "")
    spoilt = _Reader(embedder, entries, reading, "query", reading.corruption)
    classes: dict[str, list[Embedded]] = {}
    failures: list[tuple[str, HeadstartError]] = []
    for item in track(items):
        try:
            stored = clean.embedding(item)
            asked = stored
            if stored is not None and reading.corruption:
                asked = spoilt.embedding(item)
        except (CaptureError, EnrolmentError) as error:
            failures.append((str(item.paths[0]), error))
            continue
        support = None if stored is None else place(as_stored(stored), spaces)
        if support is None:
            continue
        query = None if asked is None else place(asked.streams, spaces)
        classes.setdefault(item.label, []).append(
            Embedded(
                stem=item.stem,
                support=support,
                query=None if query is None else query.first(),
            )
        )
    return Dataset(
        classes={name: tuple(classes[name]) for name in sorted(classes)}, failures=tuple(failures)
    )


class _Reader:
    """Reads, corrupts and encodes items in one role, through the cache."""

    def __init__(
        self,
        embedder: Embedder,
        entries: Mapping[str, StreamEntry],
        reading: Reading,
        role: Role,
        corruption: str,
    ) -> None:
        self._embedder = embedder
        self._reading = reading
        self._role: Role = role
        self._corruption = corruption
        plan = {s: entries[s].views.model_dump(mode="json") for s in embedder.streams}
        spelling = json.dumps([role, reading.modalities, plan], sort_keys=True)
        key = CacheKey(
            encoders=embedder.hashes,
            view_plan=spelling,
            corruption=corruption,
            seed=reading.seed,
        )
        self._cache = EmbeddingCache(reading.cache_folder, key)

    def embedding(self, item: MediaItem) -> Embedding | None:
        """The item's embedding; None when nothing is left of it."""
        name = f"{item.label}/{item.stem}"
        try:
            return self._cache.embed(item.paths, lambda: self._compute(item, name), name=name)
        except _NothingLeftError:
            return None

    def _compute(self, item: MediaItem, name: str) -> Embedding:
        sample: Sample | None = read_sample(item)
        if sample is not None and self._corruption:
            sample = corrupt(sample, self._corruption, sample_generator(self._reading.seed, name))
        sample = None if sample is None else _only(sample, self._reading.modalities)
        if sample is None or (self._corruption and not self._embedder.inputs(sample, self._role)):
            raise _NothingLeftError(name)
        return self._embedder.embed(sample, self._role)


class _NothingLeftError(Exception):
    """Corruption or the choice of modalities left nothing to encode."""


def _only(sample: Sample, modalities: tuple[str, ...]) -> Sample | None:
    image = sample.image if "image" in modalities else None
    audio = sample.audio if "audio" in modalities else None
    if image is None and audio is None:
        return None
    return replace(sample, image=image, audio=audio)
