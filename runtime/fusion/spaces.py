"""The calibrated spaces of a bundle's streams, and samples brought into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.bundle.manifest import AudioWindows, StreamEntry
from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.fusion.calibrated import CalibratedSpace
from headstart.runtime.fusion.late import Placed
from headstart.runtime.heads.initialization import LearnedInitialization

Spaces = Mapping[str, CalibratedSpace]
"""Stream → its space."""


def open_spaces(
    entries: Mapping[str, StreamEntry], start: LearnedInitialization, streams: Iterable[str]
) -> dict[str, CalibratedSpace]:
    """The spaces of ``streams``, from the manifest's settings and the head file's arrays."""
    spaces = {}
    for stream in streams:
        entry, arrays = entries[stream], start.streams[stream]
        spaces[stream] = CalibratedSpace(
            mean=arrays["mean"],
            mean_weight=entry.space.mean_weight,
            power=entry.space.power,
            whitening=arrays.get("whitening"),
            pool=entry.views.pool if isinstance(entry.views, AudioWindows) else "separate",
        )
    return spaces


def as_stored(embedding: Embedding) -> dict[str, StreamViews]:
    """The streams rounded to float16, as a gallery stores them.

    Whatever compares enrolments outside a gallery rounds first, so that it sees the same numbers.
    """
    return {
        stream: StreamViews(
            vectors=views.vectors.astype(np.float16).astype(np.float32), weights=views.weights
        )
        for stream, views in embedding.streams.items()
    }


def place(streams: Mapping[str, StreamViews], spaces: Spaces) -> Placed | None:
    """Bring one sample into the calibrated spaces, all streams trusted alike (late fusion).

    Streams without a space are left out; None if nothing is left.
    """
    points: dict[str, NDArray[np.float32]] = {}
    for stream, space in spaces.items():
        if stream in streams:
            views = streams[stream]
            points[stream] = space.points(views.vectors, views.weights)
    return Placed(points=points, weights=dict.fromkeys(points, 1.0)) if points else None
