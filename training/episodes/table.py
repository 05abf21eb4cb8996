"""Cached embeddings in their calibrated spaces, with the facts that episodes are drawn by."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ArtifactError, ConfigError
from headstart.runtime.fusion.calibrated import CalibratedSpace
from headstart.runtime.sample import MODALITIES
from headstart.training.sources.embedded import FACTS, Embedded
from headstart.training.splits import HELD_OUT, Split, split_of
from headstart.training.statistics import places


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddingTable:
    """One row for each item and condition.

    Args:
        points: stream → unit vectors ``(rows, dim)`` float32; all zero where the row's modality
            does not feed the stream.
        modality_streams: modality → its streams.
        modality: ``(rows,)`` strings.
        class_name: ``(rows,)``; equal names of one kind are one class.
        kind, source, variant, condition: ``(rows,)`` strings, as in ``Item``.
        item: ``(rows,)``: rows of one recording or picture under several conditions share it.
    """

    points: Mapping[str, NDArray[np.float32]]
    modality_streams: Mapping[str, tuple[str, ...]]
    modality: NDArray[np.str_]
    class_name: NDArray[np.str_]
    kind: NDArray[np.str_]
    source: NDArray[np.str_]
    variant: NDArray[np.str_]
    condition: NDArray[np.str_]
    item: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.item)

    @property
    def streams(self) -> tuple[str, ...]:
        """In the order of the fused axes."""
        return tuple(self.points)

    def where(self, keep: NDArray[np.bool_]) -> EmbeddingTable:
        """The rows of a mask ``(rows,)``."""
        return replace(
            self,
            points={stream: z[keep] for stream, z in self.points.items()},
            modality=self.modality[keep],
            class_name=self.class_name[keep],
            kind=self.kind[keep],
            source=self.source[keep],
            variant=self.variant[keep],
            condition=self.condition[keep],
            item=self.item[keep],
        )

    def only(
        self, *, kinds: tuple[str, ...] | None = None, sources: tuple[str, ...] | None = None
    ) -> EmbeddingTable:
        """The rows of some kinds and sources; None keeps all."""
        keep = np.ones(len(self), bool)
        if kinds is not None:
            keep &= np.isin(self.kind, kinds)
        if sources is not None:
            keep &= np.isin(self.source, sources)
        return self.where(keep)

    def of_split(self, split: Split) -> EmbeddingTable:
        """The classes of a split; held-out variants stay in ``test`` only."""
        keep = _names_where(self.class_name, lambda name: split_of(name) == split)
        if split != "test":
            keep &= ~np.isin(self.variant, sorted(HELD_OUT))
        return self.where(keep)

    def fold(self, number: int, folds: int) -> tuple[EmbeddingTable, EmbeddingTable]:
        """K-fold over classes: everything outside fold ``number``, and the fold.

        Raises:
            ConfigError: fewer than 2 folds, or no such fold.
        """
        if folds < 2 or not 0 <= number < folds:
            raise ConfigError(
                f"fold {number} of {folds} was asked for; expected 0 to folds − 1 of at least 2"
            )
        inside = _names_where(self.class_name, lambda name: fold_of(name, folds) == number)
        return self.where(~inside), self.where(inside)


def fold_of(class_name: str, folds: int) -> int:
    """The fold of a class: the same on every machine, independent of its split."""
    return zlib.crc32(f"fold {class_name}".encode()) % folds


def table_of(
    embedded: Embedded,
    spaces: Mapping[str, CalibratedSpace],
    stream_modality: Mapping[str, str],
) -> EmbeddingTable:
    """Bring raw embeddings into the calibrated spaces that a device would use.

    Args:
        embedded: raw embeddings.
        spaces: stream → its space; streams without one are left out.
        stream_modality: stream → the modality that feeds it.
    """
    facts = embedded.facts
    points = {}
    for stream, space in spaces.items():
        rows = embedded.rows(stream)
        points[stream] = np.zeros((len(embedded), len(space.mean)), np.float32)
        if len(rows):
            points[stream][rows] = places(embedded, stream, space)
    names = [f"{s}/{k}" for s, k in zip(facts["source"], facts["key"], strict=True)]
    return EmbeddingTable(
        points=points,
        modality_streams={
            modality: tuple(s for s in spaces if stream_modality[s] == modality)
            for modality in MODALITIES
        },
        modality=facts["modality"],
        class_name=facts["class_name"],
        kind=facts["kind"],
        source=facts["source"],
        variant=facts["variant"],
        condition=facts["condition"],
        item=np.unique(names, return_inverse=True)[1].astype(np.int64),
    )


def read_embedded(path: Path) -> Embedded:
    """Read embeddings kept in one ``.npz`` file: ``facts.*`` and each stream's three arrays.

    Raises:
        ArtifactError: the file cannot be read or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            streams = [key.removesuffix(".vectors") for key in arrays if key.endswith(".vectors")]
            return Embedded(
                facts={name: arrays[f"facts.{name}"] for name in FACTS},
                vectors={s: arrays[f"{s}.vectors"] for s in streams},
                weights={s: arrays[f"{s}.weights"] for s in streams},
                offsets={s: arrays[f"{s}.offsets"] for s in streams},
            )
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"embeddings {path} cannot be read ({error}); expected an .npz file with 'facts.*' and"
            " '<stream>.vectors', '.weights' and '.offsets': embed the sources again"
        ) from error


def _names_where(names: NDArray[np.str_], wanted: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Rows whose name satisfies a predicate, which is asked once for each name."""
    unique, inverse = np.unique(names, return_inverse=True)
    chosen = np.array([wanted(name) for name in unique.tolist()], bool)
    return chosen[inverse] if len(unique) else np.zeros(0, bool)
