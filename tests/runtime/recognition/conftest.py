"""Samples of several things on three streams, straight in their calibrated spaces."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.fusion.late import Placed
from headstart.runtime.recognition.support import Support

DIMS = {"image": 16, "sound": 12, "speech": 8}
VIEWS = {"image": 3, "sound": 1, "speech": 1}


class MakePlaced(Protocol):
    """``placed(kind, take, *streams)``: one look at one thing; no stream named means all."""

    def __call__(self, kind: int, take: int = 0, *streams: str) -> Placed: ...


class MakeSupport(Protocol):
    """``support({"mug": [placed, …]}, background=[…])``: background samples are things each."""

    def __call__(
        self, classes: dict[str, list[Placed]], background: list[Placed] | None = None
    ) -> Support: ...


def _unit(x: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), np.float32)


def _placed(kind: int, take: int = 0, *streams: str) -> Placed:
    points = {}
    for stream in streams or tuple(DIMS):
        place = list(DIMS).index(stream)
        centre = np.random.default_rng([kind, place]).normal(size=DIMS[stream])
        noise = np.random.default_rng([kind, place, take + 1])
        near = centre + 0.35 * noise.normal(size=(VIEWS[stream], DIMS[stream]))
        points[stream] = _unit(near)
    return Placed(points=points, weights=dict.fromkeys(points, 1.0))


def _support(classes: dict[str, list[Placed]], background: list[Placed] | None = None) -> Support:
    around = tuple(background or ())
    return Support(
        names=tuple(classes),
        samples=tuple(sample for samples in classes.values() for sample in samples),
        labels=np.repeat(np.arange(len(classes)), [len(s) for s in classes.values()]),
        background=around,
        things=np.arange(len(around)),
    )


@pytest.fixture(scope="session")
def dims() -> dict[str, int]:
    return DIMS


@pytest.fixture(scope="session")
def placed() -> MakePlaced:
    return _placed


@pytest.fixture(scope="session")
def support() -> MakeSupport:
    return _support
