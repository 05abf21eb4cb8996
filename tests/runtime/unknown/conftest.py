"""Random galleries in one fused space: classes of some samples of some views, and background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.fusion.late import FusedRows


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """``views[i]`` are the rows of sample ``i`` ``(views, dim)``, which shows ``labels[i]``."""

    views: list[NDArray[np.float32]]
    labels: NDArray[np.int64]
    ways: int
    background: NDArray[np.float32]
    things: NDArray[np.int64]
    sample_looks: NDArray[np.int64]
    queries: NDArray[np.float32]

    @property
    def fused(self) -> FusedRows:
        counts = [len(view) for view in self.views]
        return FusedRows(
            rows=np.concatenate(self.views),
            row_sample=np.repeat(np.arange(len(counts)), counts),
            first=np.cumsum(counts) - np.array(counts),
        )


class MakeEnrolled(Protocol):
    """``enrolled(shots, views=1, things=0, burst=1, seed=0)``.

    Two samples of each background thing; ``burst`` samples of a class in a row are one look.
    """

    def __call__(
        self,
        shots: tuple[int, ...],
        *,
        views: int = 1,
        things: int = 0,
        burst: int = 1,
        seed: int = 0,
    ) -> Enrolled: ...


def _enrolled(
    shots: tuple[int, ...], *, views: int = 1, things: int = 0, burst: int = 1, seed: int = 0
) -> Enrolled:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(len(shots) + things + 2, 10)) + 0.6

    def near(which: int, count: int) -> NDArray[np.float32]:
        z = centres[which] + 0.5 * rng.normal(size=(count, 10))
        return np.asarray(z / np.linalg.norm(z, axis=1, keepdims=True), np.float32)

    labels = np.repeat(np.arange(len(shots)), shots)
    looks = np.concatenate([1000 * way + np.arange(k) // burst for way, k in enumerate(shots)])
    if burst == 1:
        labels, looks = rng.permutation(labels), np.arange(labels.size)
    background = [near(len(shots) + thing, 2) for thing in range(things)]
    return Enrolled(
        views=[near(int(label), views) for label in labels],
        labels=labels,
        ways=len(shots),
        background=np.concatenate(background) if things else np.empty((0, 10), np.float32),
        things=np.repeat(np.arange(things), 2),
        sample_looks=np.unique(looks, return_inverse=True)[1],
        queries=np.concatenate([near(which, 2) for which in range(len(centres))]),
    )


@pytest.fixture(scope="session")
def enrolled() -> MakeEnrolled:
    return _enrolled
