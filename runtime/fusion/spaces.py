"""The calibrated spaces of a bundle's streams, and samples brought into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.bundle.manifest import AudioWindows, StreamEntry
from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.fusion.calibrated import CalibratedSpace
from headstart.runtime.fusion.late import Placed
from headstart.runtime.fusion.trust import Trust, read_trust, trust_of
from headstart.runtime.heads.initialization import LearnedInitialization


class Spaces(dict[str, CalibratedSpace]):
    """Stream → its space, for the streams in use; ``trust`` weighs them against one another."""

    def __init__(
        self,
        spaces: Mapping[str, CalibratedSpace],
        trust: Trust | None = None,
        dims: Mapping[str, int] | None = None,
    ) -> None:
        """Take the spaces, and the networks with the dimensions of all streams they look at."""
        super().__init__(spaces)
        self.trust: Trust = {} if trust is None else trust
        self.dims: Mapping[str, int] = {} if dims is None else dims


def open_spaces(
    entries: Mapping[str, StreamEntry], start: LearnedInitialization, streams: Iterable[str]
) -> Spaces:
    """The spaces of ``streams``, from the manifest's settings and the head file's arrays."""
    spaces: dict[str, CalibratedSpace] = {}
    for stream in streams:
        entry, arrays = entries[stream], start.streams[stream]
        spaces[stream] = CalibratedSpace(
            mean=arrays["mean"],
            mean_weight=entry.space.mean_weight,
            power=entry.space.power,
            whitening=arrays.get("whitening"),
            pool=entry.views.pool if isinstance(entry.views, AudioWindows) else "separate",
        )
    modality_streams: dict[str, tuple[str, ...]] = {}
    for name, entry in entries.items():
        modality_streams[entry.modality] = (*modality_streams.get(entry.modality, ()), name)
    dims = {name: arrays["mean"].shape[0] for name, arrays in start.streams.items()}
    return Spaces(spaces, read_trust(start.trust, modality_streams), dims)


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
    """Bring one sample into the calibrated spaces and say how far each stream is trusted.

    Streams without a space are left out; None if nothing is left. Without trust networks all
    streams are trusted alike, which is late fusion.
    """
    points: dict[str, NDArray[np.float32]] = {}
    for stream, space in spaces.items():
        if stream in streams:
            views = streams[stream]
            points[stream] = space.points(views.vectors, views.weights)
    if not points:
        return None
    return Placed(points=points, weights=trust_of(points, spaces.dims, spaces.trust))
