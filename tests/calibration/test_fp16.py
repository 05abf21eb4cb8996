from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
from onnx import TensorProto, helper, numpy_helper

from headstart.bundles import STARTER_PATH
from headstart.calibration.fp16 import to_fp16
from headstart.calibration.graph_parts import front_end, weighted_nodes
from headstart.export.operators import check_operators
from headstart.runtime.errors import ArtifactError


@pytest.mark.parametrize("stream", ["image", "sound", "speech"])
def test_weights_are_half_and_front_end_inputs_and_outputs_are_not(stream: str) -> None:
    data = (STARTER_PATH / f"{stream}.onnx").read_bytes()
    full, made = onnx.load_from_string(data), onnx.load_from_string(to_fp16(data))
    onnx.checker.check_model(made, full_check=True)
    check_operators(made)
    stored = {t.name: t.data_type for t in made.graph.initializer}
    by_name = {n.name: n for n in made.graph.node}
    for name in weighted_nodes(full):
        assert stored[by_name[name].input[1]] == TensorProto.FLOAT16
    for name in front_end(full):
        assert all(stored.get(i) != TensorProto.FLOAT16 for i in by_name[name].input)
    for side in ("input", "output"):
        assert list(getattr(made.graph, side)) == list(getattr(full.graph, side))


def test_a_kept_node_stays_in_float_between_casts(speech_onnx: bytes) -> None:
    kept = weighted_nodes(onnx.load_from_string(speech_onnx))[3]
    made = onnx.load_from_string(to_fp16(speech_onnx, keep=[kept]))
    onnx.checker.check_model(made, full_check=True)
    stored = {t.name: t.data_type for t in made.graph.initializer}
    (node,) = (n for n in made.graph.node if n.name == kept)
    assert stored[node.input[1]] == TensorProto.FLOAT
    assert node.input[0].endswith(".fp32")


def gemm(weight: float) -> bytes:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(np.array([[weight]], np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return bytes(model.SerializeToString())


def test_a_weight_beyond_fp16_is_refused_by_name() -> None:
    with pytest.raises(ArtifactError, match=r"weight 'w' holds 70000; expected at most 65504"):
        to_fp16(gemm(70_000.0))
    assert len(onnx.load_from_string(to_fp16(gemm(2.0))).graph.node) == 3


def test_a_name_that_is_no_node_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"no nodes \['nowhere'\]"):
        to_fp16(gemm(1.0), keep=["nowhere"])
