"""The fused space: each stream's point side by side, weighed by how far it can be trusted.

The cosine of two fused vectors is the weighted mean of the streams' cosines, so every head and
every score works on the fused space as on a single stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import Array, unit


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """One sample in its calibrated spaces.

    Args:
        points: stream → unit vectors ``(points, dim)``, the query's first; absent streams have no
            entry, and at least one is there.
        weights: stream → trust in it for this sample, above 0; only their ratios matter.
    """

    points: Mapping[str, NDArray[np.float32]]
    weights: Mapping[str, float]

    def first(self) -> Placed:
        """The sample as a live query would see it: one point of each stream."""
        points = {stream: z[:1] for stream, z in self.points.items()}
        return Placed(points=points, weights=self.weights)

    def shares(self) -> dict[str, float]:
        """The weights scaled to sum to 1."""
        total = sum(self.weights[stream] for stream in self.points)
        return {stream: self.weights[stream] / total for stream in self.points}


@dataclass(frozen=True, kw_only=True, eq=False)
class FusedRows:
    """Many samples in the fused space of some streams.

    Args:
        rows: unit vectors ``(rows, dim)``, sample after sample; an absent stream is zero.
        row_sample: which sample each row belongs to, ``(rows,)``, rising.
        first: first row of each sample ``(samples,)``: what a live query of it would give.
    """

    rows: NDArray[np.float32]
    row_sample: NDArray[np.int64]
    first: NDArray[np.int64]

    @property
    def looks(self) -> NDArray[np.float32]:
        """One row for each sample, as a live query would see it: ``(samples, dim)``."""
        return self.rows[self.first]


def weigh(parts: Sequence[Array], weights: Array) -> Array:
    """Fuse rows: ``unit([√w₁·z₁, √w₂·z₂, …])``.

    Args:
        parts: for each stream unit vectors ``(rows, dim)``, zero where it is absent.
        weights: ``(rows, streams)``, at least 0; a stream that is absent may have any weight.

    Returns:
        Unit vectors ``(rows, Σ dim)``.
    """
    xp = array_namespace(weights)
    root = xp.sqrt(weights)
    scaled = [root[:, i : i + 1] * part for i, part in enumerate(parts)]
    return unit(xp.concat(scaled, axis=1))


def fuse(samples: Sequence[Placed], streams: Sequence[str], dims: Mapping[str, int]) -> FusedRows:
    """Put samples into the fused space of ``streams``.

    A sample gives as many rows as its stream with most points; a stream with fewer repeats its
    last.

    Args:
        samples: at least one; each has at least one of the streams.
        streams: in the order of the fused axes.
        dims: stream → dimension.
    """
    counts = [max(s.points[name].shape[0] for name in streams if name in s.points) for s in samples]
    ends = np.cumsum(counts)
    row_sample = np.repeat(np.arange(len(samples)), counts)
    parts = []
    for stream in streams:
        part = np.zeros((int(ends[-1]), dims[stream]), np.float32)
        for sample, end, count in zip(samples, ends, counts, strict=True):
            if stream in sample.points:
                z = sample.points[stream]
                part[end - count : end - count + z.shape[0]] = z
                part[end - count + z.shape[0] : end] = z[-1]
        parts.append(part)
    first = ends - np.array(counts)
    if len(parts) == 1:
        return FusedRows(rows=parts[0], row_sample=row_sample, first=first)
    weights = np.array(
        [[s.weights.get(name, 0.0) for name in streams] for s in samples], np.float32
    )
    return FusedRows(rows=weigh(parts, weights[row_sample]), row_sample=row_sample, first=first)
