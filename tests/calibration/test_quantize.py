from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="needs the export extra")
import onnxruntime
from onnx import TensorProto, numpy_helper

from headstart.calibration.graph_parts import front_end, weighted_nodes
from headstart.calibration.quantize import (
    FLAVOURS,
    METHODS,
    Flavour,
    Method,
    Ranges,
    collect_ranges,
    quantize,
)
from headstart.export.graph_check import graph_findings
from headstart.export.operators import operator_objections
from headstart.runtime.errors import ArtifactError, ShapeError


@pytest.fixture(scope="module")
def ranges(speech_onnx: bytes, sounds: NDArray[np.float32]) -> Ranges:
    return collect_ranges(speech_onnx, sounds)


def run(model: bytes, sounds: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(None, {"speech": sounds})[0]
    return found


def cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    product = (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    return float(product.mean())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_flavour_and_method_follows_fp32_in_under_a_third_of_its_bytes(
    flavour: Flavour, method: Method, speech_onnx: bytes, sounds: NDArray[np.float32]
) -> None:
    data = quantize(collect_ranges(speech_onnx, sounds, method), flavour)
    assert len(data) <= 0.3 * len(speech_onnx)
    assert list(graph_findings(onnx.load_from_string(data))) == []
    assert cosine(run(speech_onnx, sounds), run(data, sounds)) > 0.97


def test_the_same_ranges_give_the_same_bytes(ranges: Ranges) -> None:
    assert quantize(ranges, "int8-cpu") == quantize(ranges, "int8-cpu")


def test_the_front_end_is_not_quantized(ranges: Ranges) -> None:
    before = set(front_end(ranges.model))
    made = onnx.load_from_string(quantize(ranges, "int8-cpu"))
    restored = {o for n in made.graph.node if n.op_type == "DequantizeLinear" for o in n.output}
    readers = [n for n in made.graph.node if restored & set(n.input)]
    assert readers and not before & {n.name for n in readers}
    assert "Log" in {n.op_type for n in made.graph.node if n.name in before}


def test_the_trt_flavour_has_zero_points_of_zero_and_no_integer_biases(ranges: Ranges) -> None:
    made = onnx.load_from_string(quantize(ranges, "int8-trt"))
    kinds = {t.data_type for t in made.graph.initializer}
    assert TensorProto.INT32 not in kinds and TensorProto.UINT8 not in kinds
    points = [
        numpy_helper.to_array(t)
        for t in made.graph.initializer
        if t.data_type == TensorProto.INT8 and t.name.endswith("zero_point")
    ]
    assert points and not any(p.any() for p in points)


@pytest.mark.parametrize("release", ["8.6", "10.3", "10.13", "11.4"])
def test_the_allow_lists_take_the_trt_flavour_and_refuse_the_cpus_by_node(
    ranges: Ranges, release: str
) -> None:
    good = onnx.load_from_string(quantize(ranges, "int8-trt"))
    assert list(operator_objections(good, release)) == []
    bad = list(operator_objections(onnx.load_from_string(quantize(ranges, "int8-cpu")), release))
    assert {b.operator for b in bad} == {"QuantizeLinear", "DequantizeLinear"}
    assert all(b.node for b in bad)
    assert any("bias as int32" in b.reason for b in bad)


def test_nodes_that_are_kept_stay_in_float(ranges: Ranges) -> None:
    kept = weighted_nodes(ranges.model)[:2]
    made = onnx.load_from_string(quantize(ranges, "int8-cpu", keep=kept))
    stored = {t.name: t.data_type for t in made.graph.initializer}
    for node in made.graph.node:
        if node.name in kept:
            assert stored[node.input[1]] == TensorProto.FLOAT


def test_a_name_that_is_no_node_is_refused(ranges: Ranges) -> None:
    with pytest.raises(ArtifactError, match=r"no nodes \['nowhere'\]"):
        quantize(ranges, "int8-cpu", keep=["nowhere"])


def test_bad_samples_stop_the_calibration(speech_onnx: bytes, sounds: NDArray[np.float32]) -> None:
    spoilt = sounds.copy()
    spoilt[-1, 5] = np.inf
    with pytest.raises(ShapeError, match="NaN or infinity"):
        collect_ranges(speech_onnx, spoilt)


def test_a_file_that_is_not_onnx_is_refused(sounds: NDArray[np.float32]) -> None:
    with pytest.raises(ArtifactError, match="cannot be prepared for quantization"):
        collect_ranges(b"not a model", sounds)


def test_calibrating_prints_nothing(
    speech_onnx: bytes, sounds: NDArray[np.float32], capsys: pytest.CaptureFixture[str]
) -> None:
    collect_ranges(speech_onnx, sounds, "percentile")
    assert capsys.readouterr() == ("", "")
