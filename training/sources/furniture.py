"""Household things from every side: Sweet Home 3D's models, class = model, variant = view."""

from __future__ import annotations

import functools
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.training.sources.cache import Cache
from headstart.training.sources.item import Item
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import extract, unpacked
from headstart.training.sources.wavefront import Model, draw, read_model

PACKAGE = Package(
    registry="debian",
    name="sweethome3d-furniture",
    version="1.8-1",
    sha256="3ccb90c63f9525e887a767b9cd5c8b6933b8b6b2973a615a5359ee68a2118668",
)
VIEWS = 6
SIZE_PX = 256
_LICENCES = {"BlendSwap-CC-0": "CC0-1.0"}


def furniture(cache: Cache) -> list[Item]:
    """Every model in ``VIEWS`` views from all around, 5° to 40° from above."""
    catalogues = unpacked(PACKAGE, cache, keep=("*.sh3f",))

    def build(folder: Path) -> None:
        for catalogue in sorted(catalogues.rglob("*.sh3f")):
            extract(catalogue, folder / catalogue.stem, ("*.obj", "*.mtl", "*.jpg", "*.png"))

    models = cache.stage("unpacked/sweethome3d-models", build)
    return [
        Item(
            key=f"{path.relative_to(models).with_suffix('').as_posix()}-{view}",
            origin=functools.partial(_view, path, view),
            modality="image",
            class_name=f"furniture/{path.stem}",
            variant=f"view-{view}",
            kind="drawing",
            source="furniture",
            licence=_LICENCES.get(path.relative_to(models).parts[0], "CC BY 3.0"),
        )
        for path in _one_of_each_name(sorted(models.rglob("*.obj")))
        for view in range(VIEWS)
    ]


def _one_of_each_name(paths: list[Path]) -> list[Path]:
    """Catalogues share names (``chair``) for different models: the first of each counts."""
    return list({path.stem: path for path in reversed(paths)}.values())[::-1]


@functools.lru_cache(maxsize=1)
def _model(path: Path) -> Model:
    return read_model(path)


def _view(path: Path, view: int) -> NDArray[np.uint8]:
    """One view, uint8 ``(256, 256, rgba)``: the same one every time."""
    rng = np.random.default_rng(zlib.crc32(f"{path.stem}/{view}".encode()))
    azimuth = 2 * np.pi * (view + float(rng.uniform(-0.3, 0.3))) / VIEWS
    return draw(_model(path), azimuth, float(rng.uniform(0.09, 0.7)), SIZE_PX)
