"""Small exact embeddings, and a gallery to put them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.gallery.gallery import Gallery


class MakeEmbedding(Protocol):
    def __call__(
        self, number: int, *streams: str, group: str = "", time_s: float | None = None
    ) -> Embedding: ...


def _embedding(
    number: int, *streams: str, group: str = "", time_s: float | None = None
) -> Embedding:
    """Two views of four numbers a stream, exact in float16 and different for every number."""
    views = {
        stream: StreamViews(
            vectors=np.array([[number, 1, place, 0.5], [0, number, -1, 0.25]], np.float32),
            weights=np.array([1, 0.125], np.float32),
        )
        for place, stream in enumerate(streams or ("image",))
    }
    return Embedding(streams=views, source=f"photo-{number}.jpg", group=group, time_s=time_s)


@pytest.fixture(scope="session")
def embedding() -> MakeEmbedding:
    return _embedding


@pytest.fixture(scope="session")
def hashes() -> Mapping[str, str]:
    return {"image": "1" * 64, "sound": "2" * 64, "speech": "3" * 64}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "gallery.sqlite"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    """A gallery whose clock says 1001, 1002, … for its changes."""
    ticks = count(1000)
    with Gallery.open(path, clock=lambda: float(next(ticks)), timeout_s=0.1) as opened:
        yield opened
