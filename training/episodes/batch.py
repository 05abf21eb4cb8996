"""A batch of episodes as indices into an embedding table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ABSENT = -1
UNKNOWN = -1


@dataclass(frozen=True, kw_only=True, eq=False)
class EpisodeBatch:
    """Episodes of one shape: the same ways, support rows and queries.

    Args:
        ways: enrolled classes of each episode.
        support: table rows ``(episodes, support, modalities)``; ``ABSENT`` where a sample does not
            hold the modality.
        support_labels: ``(episodes, support)``, 0…ways−1.
        queries: table rows ``(episodes, queries, modalities)``.
        query_labels: ``(episodes, queries)``, 0…ways−1 or ``UNKNOWN``.
        class_names: for every episode its classes, the enrolled first.
    """

    ways: int
    support: NDArray[np.int64]
    support_labels: NDArray[np.int64]
    queries: NDArray[np.int64]
    query_labels: NDArray[np.int64]
    class_names: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.support)

    def share(self, number: int, shares: int) -> EpisodeBatch:
        """Every ``shares``-th episode from ``number`` on: what one process of several works on."""
        mine = slice(number, None, shares)
        return EpisodeBatch(
            ways=self.ways,
            support=self.support[mine],
            support_labels=self.support_labels[mine],
            queries=self.queries[mine],
            query_labels=self.query_labels[mine],
            class_names=self.class_names[mine],
        )
