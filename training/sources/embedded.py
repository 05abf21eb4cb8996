"""Raw embeddings of a source's items, computed once: later training reads them in seconds."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.embedding.embedding import Embedding
from headstart.runtime.errors import EnrolmentError
from headstart.runtime.sample import AudioClip, Frame, Sample
from headstart.training.sources.cache import Cache
from headstart.training.sources.camera import photograph
from headstart.training.sources.item import Item, Reading, Skipped
from headstart.training.sources.microphone import heard

SHARD_ITEMS = 256
FACTS = ("key", "class_name", "variant", "kind", "modality", "source", "condition", "licence")

Conditions = dict[str, tuple[str, ...]]
"""Modality → how its items are seen or heard: ``good``, ``poor``; ``clean`` … ``heavy``."""

Advance = Callable[[int], None]
"""Called with the number of items just finished."""


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """What other things are in the picture or the sound: photos, and clips that may be noise."""

    backgrounds: Sequence[NDArray[np.uint8]]
    noises: Sequence[NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedded:
    """Raw encoder outputs of many items, one row for each item and condition.

    Args:
        facts: name in ``FACTS`` → ``(rows,)`` strings.
        vectors: stream → float16 ``(views of all rows, dim)``, as ``StreamViews`` has them.
        weights: stream → float32 ``(views of all rows,)``.
        offsets: stream → int64 ``(rows + 1,)``: row ``i`` has views ``offsets[i]:offsets[i+1]``;
            none where the row's modality does not feed the stream.
        skipped: items that could not be read.
    """

    facts: dict[str, NDArray[np.str_]]
    vectors: dict[str, NDArray[np.float16]]
    weights: dict[str, NDArray[np.float32]]
    offsets: dict[str, NDArray[np.int64]]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.facts["key"])

    def rows(self, stream: str) -> NDArray[np.int64]:
        """Rows that have the stream."""
        return np.flatnonzero(np.diff(self.offsets[stream]))


def embed_items(
    name: str,
    items: Sequence[Item],
    conditions: Conditions,
    embedder: Embedder,
    scenery: Scenery,
    cache: Cache,
    *,
    advance: Advance = lambda count: None,
) -> Embedded:
    """Embeddings of the items under every condition, from the cache where they are there.

    Interrupted, it goes on after the last whole shard. The cache entry depends on the items, the
    conditions and the encoders. Pictures are encoded as a live query is; sounds in all windows.

    Raises:
        ConfigError: the cache cannot be written.
        BackendError: an encoder failed.
    """
    shards = [items[at : at + SHARD_ITEMS] for at in range(0, len(items), SHARD_ITEMS)]

    def build(folder: Path) -> None:
        for number, shard in enumerate(shards):
            path = folder / f"{number:05d}.npz"
            if not path.is_file():
                arrays = _embed_shard(shard, conditions, embedder, scenery)
                draft = path.with_suffix(".draft")
                with draft.open("wb") as out:
                    np.savez(out, **arrays)  # type: ignore[arg-type]
                draft.rename(path)
            advance(len(shard))

    digest = _digest(items, conditions, embedder)
    folder = cache.stage(f"embedded/{name.replace('/', '_')}-{digest}", build)
    return merged([_load(path) for path in sorted(folder.glob("*.npz"))])


def _digest(items: Sequence[Item], conditions: Conditions, embedder: Embedder) -> str:
    modalities = {item.modality for item in items}
    used = {
        name: fingerprint
        for name, fingerprint in embedder.fingerprints.items()
        if embedder.modalities[name] in modalities
    }
    digest = hashlib.sha256(repr(sorted(conditions.items())).encode())
    digest.update(repr(sorted(used.items())).encode())
    for item in items:
        digest.update(f"{item.source}/{item.key}/{item.class_name}\n".encode())
    return digest.hexdigest()[:16]


def _embed_shard(
    items: Sequence[Item], conditions: Conditions, embedder: Embedder, scenery: Scenery
) -> dict[str, NDArray[Any]]:
    reading = Reading(items=items)
    facts: list[tuple[str, ...]] = []
    embeddings: list[Embedding] = []
    silent: list[tuple[str, str, str]] = []
    for item, array in reading:
        for condition in conditions.get(item.modality, ()):
            sample = _sample(item, array, condition, scenery)
            try:
                embeddings.append(embedder.embed(sample, "query"))
            except EnrolmentError as error:
                silent.append((item.key, item.source, str(error)))
                continue
            facts.append(
                (item.key, item.class_name, item.variant, item.kind, item.modality, item.source,
                 condition, item.licence)
            )  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {
        f"facts.{name}": np.array([row[i] for row in facts], np.str_)
        for i, name in enumerate(FACTS)
    }
    for stream in embedder.streams:
        arrays.update(_stream_arrays(stream, embeddings))
    lost = [(skip.key, skip.source, skip.reason) for skip in reading.skipped] + silent
    arrays["skipped"] = np.array(lost, np.str_).reshape(-1, 3)
    return arrays


def _stream_arrays(stream: str, embeddings: Sequence[Embedding]) -> dict[str, NDArray[Any]]:
    views = [e.streams[stream] for e in embeddings if stream in e.streams]
    counts = [len(e.streams[stream].vectors) if stream in e.streams else 0 for e in embeddings]
    dim = views[0].vectors.shape[1] if views else 0
    none = np.zeros((0, dim), np.float16)
    return {
        f"{stream}.vectors": np.concatenate([none, *(v.vectors.astype(np.float16) for v in views)]),
        f"{stream}.weights": np.concatenate([np.zeros(0, np.float32), *(v.weights for v in views)]),
        f"{stream}.offsets": np.cumsum([0, *counts]).astype(np.int64),
    }


def _sample(item: Item, array: NDArray[Any], condition: str, scenery: Scenery) -> Sample:
    """The item under a condition; the same every time, whatever else is embedded."""
    rng = np.random.default_rng(zlib.crc32(f"{item.source}/{item.key}/{condition}".encode()))
    if item.modality == "image":
        background = scenery.backgrounds[int(rng.integers(len(scenery.backgrounds)))]
        pixels = photograph(array, background, rng, condition)  # type: ignore[arg-type]
        return Sample(image=Frame(pixels=pixels), source=item.key)
    other = scenery.noises[int(rng.integers(len(scenery.noises)))] if scenery.noises else None
    samples = heard(array, rng, condition, other)  # type: ignore[arg-type]
    return Sample(audio=AudioClip(samples=samples), source=item.key)


def _load(path: Path) -> Embedded:
    with np.load(path) as arrays:
        streams = [key.removesuffix(".vectors") for key in arrays if key.endswith(".vectors")]
        return Embedded(
            facts={name: arrays[f"facts.{name}"] for name in FACTS},
            vectors={s: arrays[f"{s}.vectors"] for s in streams},
            weights={s: arrays[f"{s}.weights"] for s in streams},
            offsets={s: arrays[f"{s}.offsets"] for s in streams},
            skipped=tuple(Skipped(key=k, source=s, reason=r) for k, s, r in arrays["skipped"]),
        )


def merged(parts: Sequence[Embedded]) -> Embedded:
    """All rows of all parts, in order; at least one part."""
    streams = parts[0].offsets
    return Embedded(
        facts={name: np.concatenate([p.facts[name] for p in parts]) for name in FACTS},
        vectors={s: np.concatenate(list(_filled(s, parts))) for s in streams},
        weights={s: np.concatenate([p.weights[s] for p in parts]) for s in streams},
        offsets={
            s: np.concatenate(
                [[0], np.cumsum(np.concatenate([np.diff(p.offsets[s]) for p in parts]))]
            )
            for s in streams
        },
        skipped=tuple(skip for p in parts for skip in p.skipped),
    )


def _filled(stream: str, parts: Sequence[Embedded]) -> Iterator[NDArray[np.float16]]:
    """Each part's vectors; a part without the stream has no dimension of its own to agree on."""
    dim = max(p.vectors[stream].shape[1] for p in parts)
    for part in parts:
        vectors = part.vectors[stream]
        yield vectors if len(vectors) else np.zeros((0, dim), np.float16)
