from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from headstart.calibration.quantize import Ranges, collect_ranges, quantize
from headstart.calibration.sensitivity import Sensitivity, choose_kept, rank_nodes

_SIDE = 16


@pytest.fixture(scope="module")
def inputs() -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(32, _SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> bytes:
    """Two layers; the second has one column a thousand times as large as all others."""
    rng = np.random.default_rng(1)
    gentle = rng.normal(size=(_SIDE, _SIDE)).astype(np.float32)
    harsh = rng.normal(size=(_SIDE, _SIDE)).astype(np.float32)
    harsh[:, 0] *= 1000.0
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "gentle"], ["middle"], name="gentle-node"),
            helper.make_node("MatMul", ["middle", "harsh"], ["y"], name="harsh-node"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", _SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", _SIDE])],
        [numpy_helper.from_array(gentle, "gentle"), numpy_helper.from_array(harsh, "harsh")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.fixture(scope="module")
def ranges(model: bytes, inputs: NDArray[np.float32]) -> Ranges:
    return collect_ranges(model, inputs)


def run(model: bytes, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(None, {"x": inputs})[0]
    return found[:, 1:]  # the small outputs, which one large one drowns


def test_the_node_that_loses_most_comes_first(
    ranges: Ranges, model: bytes, inputs: NDArray[np.float32]
) -> None:
    exact = run(model, inputs)
    ranked = rank_nodes(
        ranges, "int8-cpu", lambda data: float(np.square(run(data, inputs) - exact).mean())
    )
    assert [one.node for one in ranked] == ["harsh-node", "gentle-node"]
    assert ranked[0].gain > 10 * abs(ranked[1].gain)


RANKED = (Sensitivity(node="harsh-node", gain=2.0), Sensitivity(node="gentle-node", gain=-1.0))


def test_nothing_is_kept_where_all_is_well(ranges: Ranges) -> None:
    assert choose_kept(ranges, "int8-cpu", RANKED, lambda data: True, most_bytes=10**9) == ()


def test_only_nodes_that_help_are_kept(ranges: Ranges) -> None:
    kept = choose_kept(ranges, "int8-cpu", RANKED, lambda data: False, most_bytes=10**9)
    assert kept == ("harsh-node",)


def test_a_node_that_makes_the_file_too_large_stays_in_eight_bits(ranges: Ranges) -> None:
    small = len(quantize(ranges, "int8-cpu"))
    assert choose_kept(ranges, "int8-cpu", RANKED, lambda data: False, most_bytes=small) == ()
