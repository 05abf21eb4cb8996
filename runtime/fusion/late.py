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
class StreamRows:
    """One stream's part of fused rows, before it is written out.

    Args:
        points: distinct unit vectors ``(points, dim)``.
        index: which point each row holds ``(rows,)``.
        scale: what it is multiplied with ``(rows,)``; 0 where the stream is absent.
    """

    points: NDArray[np.float32]
    index: NDArray[np.int64]
    scale: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class FusedRows:
    """Many samples in the fused space of some streams.

    Args:
        rows: unit vectors ``(rows, dim)``, sample after sample; an absent stream is zero.
        row_sample: which sample each row belongs to, ``(rows,)``, rising.
        first: first row of each sample ``(samples,)``: what a live query of it would give.
        parts: the streams that the rows were put together from; may be left out.
    """

    rows: NDArray[np.float32]
    row_sample: NDArray[np.int64]
    first: NDArray[np.int64]
    parts: tuple[StreamRows, ...] = ()

    @property
    def looks(self) -> NDArray[np.float32]:
        """One row for each sample, as a live query would see it: ``(samples, dim)``."""
        return self.rows[self.first]

    def gram(self) -> NDArray[np.float32]:
        """All rows' cosines ``(rows, rows)``.

        From the streams' distinct points: a sound that stands beside five views of a picture is
        multiplied once, which makes adapting several times faster.
        """
        if not self.parts:
            return np.asarray(self.rows @ self.rows.T)
        count = self.rows.shape[0]
        whole = np.zeros((count, count), np.float32)
        for part in self.parts:
            cosines = (part.points @ part.points.T).take(part.index, 0).take(part.index, 1)
            whole += (part.scale[:, None] * part.scale[None, :]) * cosines
        return whole


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


def fuse(
    samples: Sequence[Placed],
    streams: Sequence[str],
    dims: Mapping[str, int],
    *,
    rows_at_most: int | None = None,
) -> FusedRows:
    """Put samples into the fused space of ``streams``.

    A sample gives as many rows as its stream with most points; a stream with fewer repeats its
    last.

    Args:
        samples: at least one; each has at least one of the streams.
        streams: in the order of the fused axes.
        dims: stream → dimension.
        rows_at_most: later points of every sample are left out to stay below; each keeps one.
    """
    most = None if rows_at_most is None else max(1, rows_at_most // len(samples))
    counts = [
        max(s.points[name][:most].shape[0] for name in streams if name in s.points) for s in samples
    ]
    row_sample = np.repeat(np.arange(len(samples)), counts)
    first = np.cumsum(counts) - np.array(counts)
    within = np.arange(row_sample.size) - first[row_sample]
    weights = np.array(
        [[s.weights[n] if n in s.points else 0.0 for n in streams] for s in samples], np.float32
    )
    scales = np.sqrt(weights / weights.sum(axis=1, keepdims=True))[row_sample]
    parts = tuple(
        _stream_rows(samples, name, dims[name], most, row_sample, within, scales[:, at])
        for at, name in enumerate(streams)
    )
    written = [part.scale[:, None] * part.points[part.index] for part in parts]
    rows = written[0] if len(written) == 1 else np.concatenate(written, axis=1)
    return FusedRows(rows=rows, row_sample=row_sample, first=first, parts=parts)


def _stream_rows(
    samples: Sequence[Placed],
    stream: str,
    dim: int,
    most: int | None,
    row_sample: NDArray[np.int64],
    within: NDArray[np.int64],
    scale: NDArray[np.float32],
) -> StreamRows:
    found = [s.points[stream][:most] for s in samples if stream in s.points]
    sizes = np.array([len(s.points[stream][:most]) if stream in s.points else 0 for s in samples])
    # Rows of samples without the stream point anywhere: their scale is 0.
    starts = np.minimum(np.cumsum(sizes) - sizes, max(0, int(sizes.sum()) - 1))
    index = starts[row_sample] + np.minimum(within, np.maximum(sizes[row_sample] - 1, 0))
    points = np.concatenate(found) if found else np.zeros((1, dim), np.float32)
    return StreamRows(points=points, index=index, scale=scale)
