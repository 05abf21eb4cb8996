"""How far each stream of a sample can be trusted, judged from the sample itself.

Is this speech? Is there anything to hear? Is the picture dark? Two small layers for each modality
answer from the calibrated points; they are array code, so training differentiates through the very
functions that a device runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import Array, log_sum_exp

MOST = 6.0
"""Logarithms of trust stay within ±6: no stream is ever silenced wholly or for good."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrustNetwork:
    """Two layers for the streams of one modality.

    Args:
        streams: of the modality, in the order of the inputs.
        hidden: weights ``(hidden, Σ dim)``.
        hidden_bias: ``(hidden,)``.
        out: weights ``(streams + 1, hidden)``: a share for each stream, and trust in the modality
            as a whole.
        out_bias: ``(streams + 1,)``.
    """

    streams: tuple[str, ...]
    hidden: Array
    hidden_bias: Array
    out: Array
    out_bias: Array

    def judge(self, points: Array) -> Array:
        """Points of the modality's streams side by side ``(rows, Σ dim)`` → log trust.

        Returns:
            ``(rows, streams)``; an absent stream's points are zeros and its trust means nothing.
        """
        xp = array_namespace(points)
        inner = points @ xp.matrix_transpose(self.hidden) + self.hidden_bias[None, :]
        inner = xp.where(inner > 0, inner, xp.zeros_like(inner))
        outer = inner @ xp.matrix_transpose(self.out) + self.out_bias[None, :]
        shares, whole = outer[:, :-1], outer[:, -1:]
        return xp.clip(shares - log_sum_exp(shares) + whole, -MOST, MOST)


Trust = Mapping[str, TrustNetwork]
"""Modality → its network; a modality without one is trusted as it is."""


def read_trust(
    tensors: Mapping[str, NDArray[np.float32]], modality_streams: Mapping[str, tuple[str, ...]]
) -> dict[str, TrustNetwork]:
    """Networks from the head file: ``<modality>.<part>`` → array, see `TrustNetwork`."""
    networks = {}
    for modality, streams in modality_streams.items():
        if f"{modality}.hidden" in tensors:
            networks[modality] = TrustNetwork(
                streams=streams,
                hidden=tensors[f"{modality}.hidden"],
                hidden_bias=tensors[f"{modality}.hidden_bias"],
                out=tensors[f"{modality}.out"],
                out_bias=tensors[f"{modality}.out_bias"],
            )
    return networks


def trust_of(
    points: Mapping[str, NDArray[np.float32]], dims: Mapping[str, int], trust: Trust
) -> dict[str, float]:
    """Stream → trust above 0, for the streams of one sample.

    Args:
        points: stream → unit vectors ``(points, dim)``; the first counts, as a live query's.
        dims: dimension of every stream that a network may look at.
        trust: the networks.
    """
    weights = dict.fromkeys(points, 1.0)
    for network in trust.values():
        if any(stream in points for stream in network.streams):
            parts = [
                points[s][:1] if s in points else np.zeros((1, dims[s]), np.float32)
                for s in network.streams
            ]
            judged = np.exp(network.judge(np.concatenate(parts, axis=1)))[0]
            for stream, value in zip(network.streams, judged.tolist(), strict=True):
                if stream in points:
                    weights[stream] = value
    return weights
