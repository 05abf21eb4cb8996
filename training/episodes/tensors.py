"""Episodes as torch tensors in the fused space: what learners take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from headstart.runtime.fusion.late import weigh
from headstart.runtime.sample import MODALITIES
from headstart.training.episodes.batch import ABSENT, EpisodeBatch
from headstart.training.episodes.table import EmbeddingTable


@dataclass(frozen=True, kw_only=True, eq=False)
class Episodes:
    """A batch of episodes.

    Args:
        support: unit vectors ``(episodes, rows, dim)``, zero where a stream is absent.
        hot: one-hot labels ``(episodes, rows, ways)``.
        queries: ``(episodes, queries, dim)``.
        labels: ``(episodes, queries)`` int64, 0…ways−1 or −1 for unknown.
        classes: ``(episodes, ways)`` int64: each class's number among all classes of the table, −1
            for a pair that was put together for this episode only.
    """

    support: Tensor
    hot: Tensor
    queries: Tensor
    labels: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return len(self.support)

    def to(self, device: torch.device) -> Episodes:
        """The same on a device."""
        return Episodes(
            support=self.support.to(device),
            hot=self.hot.to(device),
            queries=self.queries.to(device),
            labels=self.labels.to(device),
            classes=self.classes.to(device),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FusedRows:
    """Looks rows up in a table and puts them into the fused space.

    Args:
        table: where rows are looked up.
        streams: in the order of the fused axes; a single one gives just its own space.
        trust: weight of every stream in every table row ``(rows, streams)``, at least 0; None
            trusts all alike (late fusion).
    """

    table: EmbeddingTable
    streams: tuple[str, ...]
    trust: NDArray[np.float32] | None = None

    @property
    def dim(self) -> int:
        """Length of a fused vector."""
        return sum(self.table.points[s].shape[1] for s in self.streams)

    def episodes(self, batch: EpisodeBatch) -> Episodes:
        """The batch's vectors and labels as float32 tensors."""
        labels = torch.from_numpy(batch.support_labels)
        return Episodes(
            support=self._fused(batch.support),
            hot=torch.nn.functional.one_hot(labels, batch.ways).to(torch.float32),
            queries=self._fused(batch.queries),
            labels=torch.from_numpy(batch.query_labels),
            classes=torch.from_numpy(self._numbers(batch)),
        )

    @cached_property
    def class_names(self) -> NDArray[np.str_]:
        """All classes of the table, sorted: their places are the classes' numbers."""
        return np.unique(self.table.class_name)

    def _numbers(self, batch: EpisodeBatch) -> NDArray[np.int64]:
        names = np.array(batch.class_names, np.str_)[:, : batch.ways]
        places = np.searchsorted(self.class_names, names)
        found = self.class_names[np.minimum(places, len(self.class_names) - 1)] == names
        return np.where(found, places, -1)

    def _fused(self, rows: NDArray[np.int64]) -> Tensor:
        """Table rows ``(episodes, samples, modalities)`` → ``(episodes, samples, dim)``."""
        flat = rows.reshape(-1, len(MODALITIES))
        column = {
            stream: number
            for number, modality in enumerate(MODALITIES)
            for stream in self.table.modality_streams[modality]
        }
        parts = []
        weights = np.ones((len(flat), len(self.streams)), np.float32)
        for place, stream in enumerate(self.streams):
            wanted = flat[:, column[stream]]
            part = self.table.points[stream][wanted]
            part[wanted == ABSENT] = 0.0
            parts.append(part)
            if self.trust is not None:
                weights[:, place] = self.trust[wanted, place]
        fused = weigh(parts, weights) if len(parts) > 1 else parts[0]
        return torch.from_numpy(fused).reshape(*rows.shape[:2], -1)


def trust_by_kind(table: EmbeddingTable, streams: tuple[str, ...]) -> NDArray[np.float32]:
    """Trust in the stream that is made for a row's kind, and none in the other audio stream.

    What a perfect gate would say, ``(rows, streams)``: with it, learners of scalars see each kind
    of sound in the space in which a good fusion shows it.
    """
    trust = np.ones((len(table), len(streams)), np.float32)
    for place, stream in enumerate(streams):
        if stream in _OWN_KIND:
            trust[:, place] = table.kind == _OWN_KIND[stream]
    return trust


_OWN_KIND = {"sound": "sound", "speech": "speech"}
