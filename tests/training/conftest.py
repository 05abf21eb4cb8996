"""A small world of embeddings: clustered vectors, so that learning something is possible."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.runtime.fusion.calibrated import CalibratedSpace
from headstart.training.episodes.table import EmbeddingTable, table_of
from headstart.training.sources.embedded import FACTS, Embedded

_DIMS = {"image": 8, "sound": 6, "speech": 5}
_MODALITY = {"image": "image", "sound": "audio", "speech": "audio"}
_CONDITIONS = {"image": ("good", "poor"), "audio": ("clean", "mild", "medium")}
_CLASSES, _TAKES = 60, 6


def _embedded(dims: Mapping[str, int], takes: int = _TAKES) -> Embedded:
    """60 classes with as many pictures as sounds, by three hands; a third of the sounds speech."""
    rng = np.random.default_rng(7)
    centres = {s: rng.normal(size=(_CLASSES, dim)) for s, dim in dims.items()}
    facts: list[tuple[str, ...]] = []
    vectors: dict[str, list[np.ndarray]] = {stream: [] for stream in dims}
    counts: dict[str, list[int]] = {stream: [] for stream in dims}
    for number in range(_CLASSES):
        for modality, conditions in _CONDITIONS.items():
            kind = "drawing" if modality == "image" else ("sound", "speech", "sound")[number % 3]
            for take in range(takes):
                for condition in conditions:
                    facts.append(
                        (f"{number}-{modality}-{take}", f"thing-{number:02d}", f"hand-{take % 3}",
                         kind, modality, f"source-{number % 2}", condition, "CC0")
                    )  # fmt: skip
                    for stream, dim in dims.items():
                        fed = _MODALITY[stream] == modality
                        counts[stream].append(int(fed))
                        if fed:
                            noise = rng.normal(size=dim)
                            vectors[stream].append(centres[stream][number] + 0.5 * noise)
    return Embedded(
        facts={name: np.array([f[i] for f in facts], np.str_) for i, name in enumerate(FACTS)},
        vectors={s: np.array(v, np.float16) for s, v in vectors.items()},
        weights={s: np.ones(len(v), np.float32) for s, v in vectors.items()},
        offsets={s: np.cumsum([0, *counts[s]]) for s in dims},
    )


@pytest.fixture(scope="session")
def toy_embedded() -> Embedded:
    """Raw embeddings of three streams."""
    return _embedded(_DIMS)


@pytest.fixture(scope="session")
def toy_table(toy_embedded: Embedded) -> EmbeddingTable:
    """The same in spaces without any statistics."""
    spaces = {s: CalibratedSpace(mean=np.zeros(dim, np.float32)) for s, dim in _DIMS.items()}
    return table_of(toy_embedded, spaces, _MODALITY)


@pytest.fixture
def toy_file(toy_embedded: Embedded, tmp_path: Path) -> Path:
    """The raw embeddings in one file."""
    return _written(toy_embedded, tmp_path / "embeddings.npz")


@pytest.fixture(scope="session")
def starter_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same world in vectors as long as the starter bundle's."""
    dims = {"image": 1280, "sound": 1024, "speech": 96}
    return _written(_embedded(dims), tmp_path_factory.mktemp("starter") / "embeddings.npz")


@pytest.fixture
def two_takes_file(tmp_path: Path) -> Path:
    """A world with two takes a class, in vectors as long as the starter bundle's."""
    dims = {"image": 1280, "sound": 1024, "speech": 96}
    return _written(_embedded(dims, takes=2), tmp_path / "two-takes.npz")


def _written(embedded: Embedded, path: Path) -> Path:
    arrays: dict[str, Any] = {f"facts.{name}": array for name, array in embedded.facts.items()}
    for stream in embedded.offsets:
        arrays[f"{stream}.vectors"] = embedded.vectors[stream]
        arrays[f"{stream}.weights"] = embedded.weights[stream]
        arrays[f"{stream}.offsets"] = embedded.offsets[stream]
    np.savez(path, **arrays)
    return path
