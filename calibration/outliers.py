"""Samples that drive a network to activations far beyond its usual ones.

One hiss among 64 sounds took an inner activation of the starter's sound encoder to a hundred times
its usual height; ranges wide enough for it left two or three levels for everything else, and 32
points of accuracy were gone. Without it, that one sound saturates and nothing else is lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from headstart.calibration.graph_parts import weighted_nodes

UNUSUAL = 5.0
"""Times the median over the samples, for the largest number of any one activation."""
MOST_LEFT_OUT = 0.2
"""Share of the samples that may be left out: what more of them do is usual after all."""


def usual_samples(model: onnx.ModelProto, inputs: NDArray[Any]) -> NDArray[np.bool_]:
    """Which samples keep to the network's usual activations.

    Args:
        model: FP32, with one input.
        inputs: ``(items, *input_shape)``.

    Returns:
        ``(items,)``; at most ``MOST_LEFT_OUT`` of them False, the most unusual ones.
    """
    heights = _heights(model, inputs)
    beyond = (heights / np.maximum(np.median(heights, axis=0), 1e-12)).max(axis=1)
    limit = max(UNUSUAL, float(np.sort(beyond)[-1 - int(MOST_LEFT_OUT * len(beyond))]))
    return np.asarray(beyond <= limit)


def _heights(model: onnx.ModelProto, inputs: NDArray[Any]) -> NDArray[np.float64]:
    """The largest absolute number of every weighted node's output, ``(items, nodes)``."""
    import onnxruntime

    watched = set(weighted_nodes(model))
    names = [node.output[0] for node in model.graph.node if node.name in watched]
    open_model = onnx.ModelProto()
    open_model.CopyFrom(model)
    del open_model.graph.output[:]
    open_model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        open_model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    source = session.get_inputs()[0].name
    rows = [
        [float(np.abs(value).max()) for value in session.run(names, {source: inputs[i : i + 1]})]
        for i in range(len(inputs))
    ]
    return np.array(rows)
