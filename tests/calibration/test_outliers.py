from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="needs the export extra")
from onnx import ModelProto, TensorProto, helper, numpy_helper

from headstart.calibration.outliers import usual_samples
from headstart.calibration.quantize import collect_ranges


@pytest.fixture
def model() -> ModelProto:
    """Two products; the second turns what the first gave into something of any height."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["middle"], name="first"),
            helper.make_node("MatMul", ["middle", "w"], ["y"], name="second"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(np.eye(2, dtype=np.float32), "w")],
    )
    opsets = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def inputs(*heights: float) -> NDArray[np.float32]:
    return np.array([[height, 0.5] for height in heights], np.float32)


def test_a_sample_far_beyond_the_others_is_unusual(model: ModelProto) -> None:
    usual = usual_samples(model, inputs(1, 1.5, 1, 2, 1, 100, 1, 1, 1, 4))
    assert usual.tolist() == [True] * 5 + [False] + [True] * 4


def test_no_more_than_a_fifth_is_left_out(model: ModelProto) -> None:
    usual = usual_samples(model, inputs(1, 1, 1, 1, 1, 1, 10, 20, 30, 40))
    assert usual.tolist() == [True] * 8 + [False] * 2


def test_ranges_come_from_the_usual_ones_and_say_how_many_were_left_out(model: ModelProto) -> None:
    ranges = collect_ranges(model.SerializeToString(), inputs(*[1.0] * 15, 100.0))
    assert (ranges.items, ranges.left_out) == (15, 1)
    assert float(np.max(ranges.data["y"].range_value[1])) == 1.0
