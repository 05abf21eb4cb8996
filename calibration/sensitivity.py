"""Which nodes lose most in 8 bits: found by measuring, one node at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headstart.calibration.graph_parts import weighted_nodes
from headstart.calibration.quantize import Flavour, Ranges, quantize

Distortion = Callable[[bytes], float]
"""How far a model's outputs are from FP32; 0 is none."""
Acceptable = Callable[[bytes], bool]
"""Whether a model is good enough."""

KEEP_AT_MOST = 0.25
"""Share of the weighted nodes that may stay in FP32: with more, 8 bits bring nothing."""


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """What keeping one node in FP32 brings.

    Args:
        node: its name.
        gain: how much of the distortion goes away; below 0 it grows.
    """

    node: str
    gain: float


def rank_nodes(
    ranges: Ranges, flavour: Flavour, distortion: Distortion, nodes: Sequence[str] | None = None
) -> list[Sensitivity]:
    """Quantize once for every weighted node, with that node left out; most sensitive first."""
    whole = distortion(quantize(ranges, flavour))
    found = [
        Sensitivity(node=node, gain=whole - distortion(quantize(ranges, flavour, keep=(node,))))
        for node in (weighted_nodes(ranges.model) if nodes is None else nodes)
    ]
    return sorted(found, key=lambda one: (-one.gain, one.node))


def choose_kept(
    ranges: Ranges, flavour: Flavour, ranked: Sequence[Sensitivity], acceptable: Acceptable
) -> tuple[str, ...]:
    """The fewest of the most sensitive nodes (0, 1, 2, 4, 8 …) with which the model is acceptable.

    Where none of the tries is, the largest: the gate then says what is still lost.
    """
    limit = max(1, round(KEEP_AT_MOST * len(weighted_nodes(ranges.model))))
    useful = [one.node for one in ranked if one.gain > 0][:limit]
    kept: tuple[str, ...] = ()
    count = 0
    while not acceptable(quantize(ranges, flavour, keep=kept)) and len(kept) < len(useful):
        count = max(1, 2 * count)
        kept = tuple(useful[:count])
    return kept
