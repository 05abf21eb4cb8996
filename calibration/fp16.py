"""FP16: the network in half precision, the front end and what is measured sensitive in FP32.

Inputs and outputs keep their types. ONNX Runtime's CPU provider only emulates FP16 (and crashes on
it with all optimizations on): these files are for GPUs; on a CPU they are checked, not used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from headstart.calibration.dft_kernels import with_formulas
from headstart.calibration.graph_parts import named, network
from headstart.calibration.quantize import shippable
from headstart.runtime.errors import ArtifactError

_LARGEST = float(np.finfo(np.float16).max)
_STAYS_FLOAT = {"Resize": frozenset({2})}
"""Operator → inputs that the standard wants in float32."""
_REFUSED = frozenset({"If", "Loop", "Scan", "Constant"})


def to_fp16(model: bytes, *, keep: Collection[str] = ()) -> bytes:
    """The model with its network in FP16.

    Args:
        model: an FP32 ONNX file.
        keep: names of nodes that stay in FP32, besides the front end.

    Raises:
        ArtifactError: a weight is beyond FP16, a name in ``keep`` is no node, or the network holds
            an operator that cannot be converted.
    """
    loaded = named(onnx.load_from_string(model))
    missing = sorted(set(keep) - {node.name for node in loaded.graph.node})
    if missing:
        raise ArtifactError(f"the model has no nodes {missing}; expected names of its nodes")
    half = set(network(loaded)) - set(keep)
    _Conversion(loaded, half).run()
    return shippable(with_formulas(loaded))


class _Conversion:
    """Turns the nodes ``half`` of a model to FP16, with casts where the two precisions meet."""

    def __init__(self, model: onnx.ModelProto, half: set[str]) -> None:
        self._graph = model.graph
        self._half = half
        inferred = onnx.shape_inference.infer_shapes(model).graph
        values = (*inferred.value_info, *inferred.input, *inferred.output)
        self._floats = {v.name for v in values if v.type.tensor_type.elem_type == TensorProto.FLOAT}
        self._weights = {
            t.name: t for t in self._graph.initializer if t.data_type == TensorProto.FLOAT
        }
        self._makers = {o: node.name for node in self._graph.node for o in node.output}
        self._nodes: list[onnx.NodeProto] = []
        self._cast: dict[str, str] = {}

    def run(self) -> None:
        for node in self._graph.node:
            if node.name in self._half:
                self._halve(node)
            else:
                self._feed(node, range(len(node.input)), to_half=False)
            self._nodes.append(node)
        self._outputs()
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)
        used = {name for node in self._nodes for name in node.input}
        for tensor in [t for t in self._graph.initializer if t.name not in used]:
            self._graph.initializer.remove(tensor)

    def _halve(self, node: onnx.NodeProto) -> None:
        if node.op_type in _REFUSED:
            raise ArtifactError(
                f"node {node.name!r} ({node.op_type}) cannot be turned to FP16; expected plain"
                " operators: export the model without it, or leave it in FP32"
            )
        apart = _STAYS_FLOAT.get(node.op_type, frozenset())
        self._feed(node, (i for i in range(len(node.input)) if i not in apart), to_half=True)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                attribute.i = (
                    TensorProto.FLOAT16 if attribute.i == TensorProto.FLOAT else attribute.i
                )
            elif attribute.t.data_type == TensorProto.FLOAT:
                attribute.t.CopyFrom(_halved(attribute.t, attribute.t.name))

    def _feed(self, node: onnx.NodeProto, inputs: Iterable[int], *, to_half: bool) -> None:
        """Give the node its float inputs in its own precision."""
        for i in inputs:
            name = node.input[i]
            if name in self._weights:
                if to_half:
                    node.input[i] = self._half_weight(name)
            elif name in self._floats and (self._makers.get(name) in self._half) != to_half:
                node.input[i] = self._converted(name, to_half)

    def _half_weight(self, name: str) -> str:
        halved = f"{name}.fp16"
        if halved not in self._cast:
            self._graph.initializer.append(_halved(self._weights[name], halved))
            self._cast[halved] = halved
        return halved

    def _converted(self, name: str, to_half: bool) -> str:
        target = f"{name}.{'fp16' if to_half else 'fp32'}"
        if target not in self._cast:
            kind = TensorProto.FLOAT16 if to_half else TensorProto.FLOAT
            self._nodes.append(
                helper.make_node("Cast", [name], [target], name=f"{target}.cast", to=kind)
            )
            self._cast[target] = target
        return target

    def _outputs(self) -> None:
        """Outputs of the model keep name and type: a cast stands before those that are FP16 now."""
        for output in self._graph.output:
            if output.name in self._floats and self._makers.get(output.name) in self._half:
                inner = f"{output.name}.fp16"
                for node in self._nodes:
                    node.output[:] = [inner if o == output.name else o for o in node.output]
                    node.input[:] = [inner if i == output.name else i for i in node.input]
                self._nodes.append(
                    helper.make_node(
                        "Cast", [inner], [output.name], name=f"{output.name}.cast",
                        to=TensorProto.FLOAT,
                    )
                )  # fmt: skip


def _halved(tensor: TensorProto, name: str) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    largest = float(np.abs(values).max(initial=0.0))
    # Infinities are limits of a clip, and stay what they are.
    if np.isfinite(values).all() and largest > _LARGEST:
        raise ArtifactError(
            f"weight {tensor.name!r} holds {largest:g}; expected at most {_LARGEST:g}, which FP16"
            " can hold: keep its node in FP32"
        )
    return numpy_helper.from_array(values.astype(np.float16), name)
