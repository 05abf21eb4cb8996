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
    ranges: Ranges,
    flavour: Flavour,
    ranked: Sequence[Sensitivity],
    acceptable: Acceptable,
    *,
    most_bytes: int,
) -> tuple[str, ...]:
    """The fewest of the most sensitive nodes (0, 1, 2, 4, 8 …) with which the model is acceptable.

    A node whose weights would take the file beyond ``most_bytes`` stays in 8 bits. Where none of
    the tries is acceptable, the one with most nodes is taken: the gate then says what is lost.
    Gains do not add up (keeping one node changes what the next brings), so every try is measured.
    """
    limit = max(1, round(KEEP_AT_MOST * len(weighted_nodes(ranges.model))))
    useful: list[str] = []
    for one in ranked:
        small = len(quantize(ranges, flavour, keep=(*useful, one.node))) <= most_bytes
        if one.gain > 0 and small and len(useful) < limit:
            useful.append(one.node)
    count = 0
    while not acceptable(quantize(ranges, flavour, keep=useful[:count])) and count < len(useful):
        count = max(1, 2 * count)
    return tuple(useful[:count])
