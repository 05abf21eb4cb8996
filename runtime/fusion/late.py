"""Late fusion: each stream's point side by side, in one unit vector.

The cosine of two such vectors is the weighted mean of the streams' cosines, so every head and every
score works on the fused space as on a single stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import unit

Points = Mapping[str, NDArray[np.float32]]
"""One sample in its calibrated spaces: stream → unit vectors ``(points, dim)``, the query's first.
Absent streams have no entry."""


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


def fuse(
    samples: Sequence[Points], streams: Sequence[str], dims: Mapping[str, int]
) -> FusedRows:
    """Put samples into the fused space of ``streams``.

    A sample gives as many rows as its stream with most points; a stream with fewer repeats its
    last. All streams weigh the same.

    Args:
        samples: at least one; each has at least one of the streams.
        streams: in the order of the fused axes.
        dims: stream → dimension.
    """
    counts = [max(points[s].shape[0] for s in streams if s in points) for points in samples]
    ends = np.cumsum(counts)
    row_sample = np.repeat(np.arange(len(samples)), counts)
    parts = []
    for stream in streams:
        part = np.zeros((int(ends[-1]), dims[stream]), np.float32)
        for points, end, count in zip(samples, ends, counts, strict=True):
            if stream in points:
                z = points[stream]
                part[end - count : end - count + z.shape[0]] = z
                part[end - count + z.shape[0] : end] = z[-1]
        parts.append(part)
    rows = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return FusedRows(rows=unit(rows), row_sample=row_sample, first=ends - np.array(counts))
