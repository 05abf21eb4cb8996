"""What the encoders said about one sample: raw vectors per stream, before any fusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ShapeError


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamViews:
    """One stream's raw encoder outputs for one sample.

    Args:
        vectors: float32 ``(views, dim)``: image views or audio windows, in the order of the
            bundle's view plan. The first row is what a live query would give.
        weights: float32 ``(views,)``, how much each view counts when views are pooled, ≥ 0; at
            least one above 0.

    Raises:
        ShapeError: shapes disagree, or a number is not finite.
    """

    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]

    def __post_init__(self) -> None:
        v, w = self.vectors, self.weights
        if v.dtype != np.float32 or v.ndim != 2 or v.size == 0 or w.shape != v.shape[:1]:
            raise ShapeError(
                f"a stream's views came as {v.dtype} {v.shape} with weights {w.shape}; expected"
                " float32 (views, dim) and (views,)"
            )
        if not (np.isfinite(v).all() and np.isfinite(w).all() and (w >= 0).all() and w.any()):
            raise ShapeError(
                "a stream's views or weights hold NaN, infinite or only zero weights; expected"
                " finite numbers: check the encoder's input"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedding:
    """All streams of one sample; a stream that had nothing to encode is absent.

    Args:
        streams: stream name → its views; at least one.
        time_s: when the sample was taken, seconds on its source's clock; None for stills.
        source: where it came from.
        group: the burst it belongs to; empty when it stands alone.

    Raises:
        ShapeError: no stream is there.
    """

    streams: Mapping[str, StreamViews]
    time_s: float | None = None
    source: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if not self.streams:
            raise ShapeError(
                f"the sample from {self.source!r} gave no embedding; expected at least one stream"
            )
