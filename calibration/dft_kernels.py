"""Spectrogram kernels as a formula instead of as numbers.

A log-mel front end in a graph is a convolution with the windowed cosines and sines of a DFT: 0.4 to
0.8 MB that no quantizer may touch, up to half of an 8-bit model. They follow from the bins, the
window and the DFT's size, so the file keeps those and a few nodes that every runtime folds back
into the same constants when it loads the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from headstart.calibration.graph_parts import front_end

DFT_SIZES = (256, 512, 1024, 2048, 4096)
_SMALLEST_BYTES = 32_768
_TOLERANCE = 5e-7
"""Of the largest kernel value: what float32 leaves of numbers up to 1."""


def with_formulas(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace every stored DFT kernel of the front end by its formula; changes ``model``."""
    before = set(front_end(model))
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    made: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type != "Conv" or node.name not in before or node.input[1] not in tensors:
            continue
        kernel = tensors[node.input[1]]
        values = numpy_helper.to_array(kernel)
        if values.ndim != 3 or values.nbytes < _SMALLEST_BYTES or _readers(model, kernel.name) > 1:
            continue
        found = dft_of(values[:, 0, :]) if values.shape[1] == 1 else None
        if found is not None:
            model.graph.initializer.remove(kernel)
            made += _formula(model.graph, kernel.name, *found)
    nodes = [*made, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def dft_of(
    kernels: NDArray[np.float32],
) -> tuple[int, NDArray[np.float32], NDArray[np.float32]] | None:
    """DFT size, bins ``(bins,)`` and window ``(taps,)`` of windowed cosines and −sines.

    Args:
        kernels: ``(2·bins, taps)``: ``w[n]·cos(2πkn/size)``, then ``−w[n]·sin(2πkn/size)``.

    Returns:
        None if the kernels are anything else.
    """
    half, taps = kernels.shape[0] // 2, kernels.shape[1]
    if kernels.shape[0] % 2 or taps < 3:
        return None
    values = kernels.astype(np.float64)
    wave = values[:half] + 1j * values[half:]
    window = np.abs(wave).mean(axis=0)
    # The first tap of a Hann window is 0 and has no phase: the step from one tap to the next has.
    turns = -np.angle((wave[:, 2:] * wave[:, 1:-1].conj()).sum(axis=1)) / (2 * np.pi)
    for size in DFT_SIZES:
        bins = np.rint(turns * size) % size
        again = _kernels(size, bins.astype(np.float32), window.astype(np.float32))
        if np.abs(again - values).max() <= _TOLERANCE * np.abs(values).max():
            return size, bins.astype(np.float32), window.astype(np.float32)
    return None


def _kernels(
    size: int, bins: NDArray[np.float32], window: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What the formula's nodes compute, in their precision."""
    part = bins[:, None] * np.arange(window.size, dtype=np.float32) / np.float32(size)
    angle = (part - np.floor(part)) * np.float32(2 * np.pi)
    return np.concatenate([np.cos(angle), -np.sin(angle)]) * window


def _formula(
    graph: onnx.GraphProto,
    name: str,
    size: int,
    bins: NDArray[np.float32],
    window: NDArray[np.float32],
) -> list[onnx.NodeProto]:
    """Nodes that give the kernels ``(2·bins, 1, taps)`` as ``name``."""
    constants = {
        "bins": bins[:, None, None],
        "taps": np.arange(window.size, dtype=np.float32)[None, None, :],
        "size": np.array(size, np.float32),
        "turn": np.array(2 * np.pi, np.float32),
        "window": window[None, None, :],
    }
    for part, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(value, f"{name}.{part}"))
    # Whole turns are taken off while the numbers are still exact: the size is a power of two.
    steps: tuple[tuple[str, tuple[str, ...], str, dict[str, Any]], ...] = (
        ("Mul", ("bins", "taps"), "product", {}),
        ("Div", ("product", "size"), "turns", {}),
        ("Floor", ("turns",), "whole", {}),
        ("Sub", ("turns", "whole"), "fraction", {}),
        ("Mul", ("fraction", "turn"), "angle", {}),
        ("Cos", ("angle",), "cosine", {}),
        ("Sin", ("angle",), "sine", {}),
        ("Neg", ("sine",), "minus-sine", {}),
        ("Concat", ("cosine", "minus-sine"), "waves", {"axis": 0}),
    )
    nodes = [
        helper.make_node(
            operator, [f"{name}.{i}" for i in inputs], [f"{name}.{output}"],
            name=f"{name}.{output}", **attributes,
        )
        for operator, inputs, output, attributes in steps
    ]  # fmt: skip
    last = helper.make_node("Mul", [f"{name}.waves", f"{name}.window"], [name], name=f"{name}.made")
    return [*nodes, last]


def _readers(model: onnx.ModelProto, tensor: str) -> int:
    return sum(list(node.input).count(tensor) for node in model.graph.node)
