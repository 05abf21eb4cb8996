"""Episodes that teach trust: words, sounds, both in one gallery, and pictures with either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from headstart.training.episodes.table import EmbeddingTable

Theme = Literal["speech", "sound", "mixed", "pairs"]
THEMES: tuple[Theme, ...] = ("speech", "sound", "mixed", "pairs")
QUERIES = 3
ABSENT = -1
_PICTURES = ("photo", "drawing")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrustEpisode:
    """Row numbers in a table, ``ABSENT`` where a sample has no such modality.

    Args:
        support_image, support_audio: ``(ways, shots)``.
        query_image, query_audio: ``(ways, QUERIES)``.
    """

    support_image: NDArray[np.int64]
    support_audio: NDArray[np.int64]
    query_image: NDArray[np.int64]
    query_audio: NDArray[np.int64]


class TrustEpisodes:
    """Draws episodes from a table.

    Classes of several recordings keep their takes apart: some enrol, the others ask.

    Args:
        table: one split's rows.
        empty_image, empty_audio: rows of what holds nothing, to stand in for a modality.
    """

    def __init__(
        self, table: EmbeddingTable, empty_image: NDArray[np.int64], empty_audio: NDArray[np.int64]
    ) -> None:
        self._empty = {"image": empty_image, "audio": empty_audio}
        self._clean = np.isin(table.condition, ("clean", "good"))
        self._classes = {
            "speech": _takes(table, ("speech",)),
            "sound": _takes(table, ("sound",)),
            "image": _takes(table, _PICTURES),
        }

    def draw(self, theme: Theme, rng: Generator) -> TrustEpisode:
        """One episode of 5, 10 or 16 ways and 1, 3 or 5 shots."""
        ways = int(rng.choice([5, 10, 16]))
        shots = int(rng.choice([1, 1, 3, 5]))
        heard = {"mixed": ("speech", "sound"), "pairs": (("speech", "sound")[rng.integers(2)],)}
        kinds = heard.get(theme, (theme,))
        audio = [self._rows(kind, ways // len(kinds), shots, rng) for kind in kinds]
        ways = sum(len(support) for support, _ in audio)
        support_audio = np.concatenate([support for support, _ in audio])
        query_audio = np.concatenate([query for _, query in audio])
        nothing = np.full((ways, shots), ABSENT), np.full((ways, QUERIES), ABSENT)
        support_image, query_image = nothing
        if theme == "pairs":
            support_image, query_image = self._rows("image", ways, shots, rng)
            query_image, query_audio = self._spoilt(query_image, query_audio, rng)
            support_audio = _dropped(support_audio, support_image, 0.08, rng)
            support_image = _dropped(support_image, support_audio, 0.08, rng)
        return TrustEpisode(
            support_image=support_image,
            support_audio=support_audio,
            query_image=query_image,
            query_audio=query_audio,
        )

    def _rows(
        self, kind: str, ways: int, shots: int, rng: Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        several, single = self._classes[kind]
        from_several = len(several) >= ways and rng.random() < 0.7
        pool = several if from_several else [*several, *single]
        support, query = [], []
        for which in rng.permutation(len(pool))[:ways]:
            takes = [pool[which][i] for i in rng.permutation(len(pool[which]))]
            half = max(1, len(takes) // 2)
            enrol = np.concatenate(takes[:half])
            ask = np.concatenate(takes[half:]) if len(takes) > 1 else enrol
            clean = enrol[self._clean[enrol]]
            support.append(rng.choice(clean if clean.size else enrol, shots))
            query.append(rng.choice(ask, QUERIES))
        return np.array(support), np.array(query)

    def _spoilt(
        self, image: NDArray[np.int64], audio: NDArray[np.int64], rng: Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Some queries lose a modality, in others one holds nothing."""
        image, audio = image.copy(), audio.copy()
        fate = rng.random(image.shape)
        for modality, rows, low in (("image", image, 0.0), ("audio", audio, 0.3)):
            pool = self._empty[modality]
            empty = (fate >= low) & (fate < low + 0.15)
            rows[empty] = rng.choice(pool, int(empty.sum()))
            rows[(fate >= low + 0.15) & (fate < low + 0.3)] = ABSENT
        return image, audio


def _dropped(
    rows: NDArray[np.int64], others: NDArray[np.int64], share: float, rng: Generator
) -> NDArray[np.int64]:
    """Leave out some rows where the other modality is there."""
    drop = (rng.random(rows.shape) < share) & (others != ABSENT)
    return np.where(drop, ABSENT, rows)


def _takes(
    table: EmbeddingTable, kinds: tuple[str, ...]
) -> tuple[list[list[NDArray[np.int64]]], list[list[NDArray[np.int64]]]]:
    """Rows by class and take: classes of several takes, and of one."""
    of_kind = np.flatnonzero(np.isin(table.kind, kinds))
    several: list[list[NDArray[np.int64]]] = []
    single: list[list[NDArray[np.int64]]] = []
    for name in np.unique(table.class_name[of_kind]).tolist():
        rows = of_kind[table.class_name[of_kind] == name]
        takes = [rows[table.item[rows] == item] for item in np.unique(table.item[rows])]
        (several if len(takes) > 1 else single).append(takes)
    return several, single
