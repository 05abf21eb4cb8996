"""Measures the statistics that ship in a bundle, from the sources of a recipe.

    python -m headstart.training.statistics training/recipes/statistics.toml --out FILE

Embeddings come from the very code that a device runs, and only classes of the training split count.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.calibration.statistics import balanced_mean, whitening, within_class_covariance
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.bundle.manifest import AudioWindows, StreamEntry
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.errors import ConfigError, HeadstartError
from headstart.runtime.fusion.calibrated import CalibratedSpace
from headstart.training.sources.cache import Cache, default_root
from headstart.training.sources.embedded import Embedded
from headstart.training.sources.gather import gather
from headstart.training.sources.recipe import DataRecipe, StatisticsTable, read_recipe
from headstart.training.splits import HELD_OUT, split_of

_OWN_KIND: dict[str, tuple[str, ...]] = {
    "image": ("photo", "drawing"),
    "sound": ("sound",),
    "speech": ("speech",),
}
"""Stream → the kinds whose takes its whitening looks at."""


@dataclass(frozen=True, kw_only=True)
class StreamStatistics:
    """What was measured for one stream.

    Args:
        mean: float32 ``(dim,)``.
        whitening: float32 ``(dim, dim)``; None where the recipe leaves it out.
        clips: items and conditions behind the mean.
        classes: classes behind the whitening.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32] | None
    clips: int
    classes: int


def training_rows(embedded: Embedded) -> NDArray[np.bool_]:
    """Which rows may be fitted on: classes of the training split, no held-out variant."""
    facts = embedded.facts
    split = {name: split_of(name) for name in np.unique(facts["class_name"]).tolist()}
    in_split = np.array([split[name] == "train" for name in facts["class_name"].tolist()], bool)
    return in_split & ~np.isin(facts["variant"], sorted(HELD_OUT))


def plain_space(entry: StreamEntry) -> CalibratedSpace:
    """The stream's space before anything is known: pooling and power only."""
    dim = entry.output.shape[-1]
    assert isinstance(dim, int), "a bundle's embeddings have a fixed length"
    pool = entry.views.pool if isinstance(entry.views, AudioWindows) else "separate"
    return CalibratedSpace(mean=np.zeros(dim, np.float32), power=entry.space.power, pool=pool)


def centres(embedded: Embedded, stream: str, space: CalibratedSpace) -> NDArray[np.float32]:
    """One unit-scale vector a row that has the stream, ``(rows with it, dim)``: what is centred.

    Where views are averaged after scaling (``energy``), it is their weighted average.
    """
    found = []
    for vectors, weights in _views(embedded, stream):
        if space.pool == "mean":
            found.append(space.points(vectors, weights)[0])
        else:
            share = weights / weights.sum()
            found.append(share @ space.project(vectors))
    return np.stack(found)


def places(embedded: Embedded, stream: str, space: CalibratedSpace) -> NDArray[np.float32]:
    """Each row's point in the space, ``(rows with the stream, dim)``; of several, the first."""
    return np.stack([space.points(v, w)[0] for v, w in _views(embedded, stream)])


def _views(
    embedded: Embedded, stream: str
) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    offsets = embedded.offsets[stream]
    vectors = embedded.vectors[stream]
    weights = embedded.weights[stream]
    return [
        (vectors[offsets[row] : offsets[row + 1]].astype(np.float32),
         weights[offsets[row] : offsets[row + 1]])
        for row in embedded.rows(stream)
    ]  # fmt: skip


def fit_stream(
    embedded: Embedded, stream: str, entry: StreamEntry, shrinkage: float
) -> StreamStatistics:
    """Mean and whitening of one stream.

    The mean of an audio stream is the average of the speech mean and the non-speech mean: either
    alone would let the other kind share one large component.

    Raises:
        ConfigError: the recipe's sources give the stream nothing to measure.
    """
    rows = embedded.rows(stream)
    kinds = embedded.facts["kind"][rows]
    usable = training_rows(embedded)[rows]
    space = plain_space(entry)
    units = centres(embedded, stream, space)
    groups = [units[usable & (kinds == kind)] for kind in np.unique(kinds[usable]).tolist()]
    if entry.modality == "image":
        groups = [units[usable]]
    if not groups or len(groups[0]) == 0:
        raise ConfigError(
            f"the recipe's sources give the {stream} stream nothing to measure; expected some of"
            f" kind {', '.join(_OWN_KIND.get(stream, ('any',)))}: add a source"
        )
    mean = balanced_mean(groups).astype(np.float32)
    matrix, classes = None, 0
    if shrinkage > 0:
        own = usable & np.isin(kinds, _OWN_KIND[stream])
        centred = CalibratedSpace(mean=mean, power=space.power, pool=space.pool)
        points = places(embedded, stream, centred)[own]
        labels = embedded.facts["class_name"][rows][own].tolist()
        matrix = whitening(within_class_covariance(points, labels), shrinkage).astype(np.float32)
        classes = len(set(labels))
    return StreamStatistics(
        mean=mean, whitening=matrix, clips=int(usable.sum()), classes=classes
    )  # fmt: skip


def fit(
    embedded: Embedded, entries: Mapping[str, StreamEntry], table: StatisticsTable
) -> dict[str, StreamStatistics]:
    """The statistics of every stream.

    Raises:
        ConfigError: as ``fit_stream``.
    """
    shrinkage = {
        "image": table.image_shrinkage,
        "sound": table.sound_shrinkage,
        "speech": table.speech_shrinkage,
    }
    return {
        stream: fit_stream(embedded, stream, entry, shrinkage.get(stream, 0.0))
        for stream, entry in entries.items()
    }


def write(
    path: Path,
    fitted: Mapping[str, StreamStatistics],
    recipe: DataRecipe,
    entries: Mapping[str, StreamEntry],
) -> None:
    """Write ``<stream>.mean`` and ``<stream>.whitening`` as float32 safetensors.

    The metadata name the spaces, and say in words what was measured on what.
    """
    from safetensors.numpy import save_file

    tensors: dict[str, NDArray[Any]] = {}
    for stream, found in fitted.items():
        tensors[f"{stream}.mean"] = found.mean
        if found.whitening is not None:
            tensors[f"{stream}.whitening"] = found.whitening
    spaces = {name: entry.space.model_dump() for name, entry in entries.items()}
    names = ", ".join(dict.fromkeys(use.name for use in recipe.sources))
    measured = "; ".join(
        f"{stream}: mean of {found.clips} recordings or pictures"
        + (f", whitening from {found.classes} classes" if found.classes else "")
        for stream, found in fitted.items()
    )
    notes = {
        "space": json.dumps(spaces),
        "card": json.dumps({"Statistics": f"{measured}. Sources: {names}; training classes only."}),
    }
    draft = path.with_name(path.name + ".draft")
    save_file(tensors, draft, metadata=notes)
    draft.rename(path)


def main() -> int:
    """Command line; 0 when the statistics were written, 1 for a clear failure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--bundle", type=Path, help="whose encoders; default: the starter bundle")
    parser.add_argument("--cache", type=Path, default=default_root(), help="kept downloads")
    arguments = parser.parse_args()
    try:
        recipe = read_recipe(arguments.recipe)
        bundle = load_bundle(arguments.bundle)
        with Embedder(bundle.manifest.streams, open_encoders(bundle, threads=1)) as embedder:
            gathered = gather(recipe, embedder, Cache(root=arguments.cache))
        fitted = fit(gathered.embedded, bundle.manifest.streams, recipe.statistics)
        write(arguments.out, fitted, recipe, bundle.manifest.streams)
    except HeadstartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{gathered.report()}\nwrote {arguments.out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
