from __future__ import annotations

import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
from onnx import ModelProto, NodeProto, TensorProto, helper

from headstart.bundles import STARTER_PATH
from headstart.calibration.graph_parts import front_end, named, network, weighted_nodes
from headstart.runtime.errors import ArtifactError


def model(*nodes: NodeProto) -> ModelProto:
    stored = [helper.make_tensor(name, TensorProto.FLOAT, [1], [1.0]) for name in ("w", "v")]
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1])],
        stored,
    )
    return helper.make_model(graph)


def node(operator: str, inputs: str, output: str) -> NodeProto:
    return helper.make_node(operator, inputs.split(), [output], name=f"{operator}-{output}")


LOG_MEL = (node("Conv", "x w", "a"), node("Log", "a", "b"), node("Mul", "b w", "c"))


def test_what_a_logarithm_needs_is_front_end_and_what_follows_the_weights_is_network() -> None:
    made = model(*LOG_MEL, node("Conv", "c v", "d"), node("Relu", "d", "y"))
    assert front_end(made) == ("Conv-a", "Log-b", "Mul-c")
    assert network(made) == ("Conv-d", "Relu-y")
    assert weighted_nodes(made) == ("Conv-d",)


def test_a_product_of_two_computed_tensors_begins_no_network() -> None:
    made = model(node("MatMul", "x x", "a"), node("Conv", "a w", "y"))
    assert front_end(made) == ("MatMul-a",)


def test_preparing_stored_weights_is_neither() -> None:
    made = model(node("Neg", "w", "minus"), node("Conv", "x minus", "y"))
    assert (front_end(made), network(made)) == ((), ("Conv-y",))


def test_a_model_without_a_network_is_refused() -> None:
    with pytest.raises(ArtifactError, match="no convolution or matrix product behind its front"):
        network(model(*LOG_MEL))


def test_unnamed_nodes_get_names_of_their_own() -> None:
    first, second = helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["y"])
    first.name = "Relu_1"
    assert [n.name for n in named(model(first, second)).graph.node] == ["Relu_1", "Relu_1_"]


@pytest.mark.parametrize(
    ("stream", "first", "convolutions"),
    [("image", "Cast", 49), ("sound", "Unsqueeze", 27), ("speech", "Mul", 20)],
)
def test_the_starters_front_ends_are_found(stream: str, first: str, convolutions: int) -> None:
    loaded = onnx.load(STARTER_PATH / f"{stream}.onnx")
    kinds = {n.name: n.op_type for n in loaded.graph.node}
    before = front_end(loaded)
    assert kinds[before[0]] == first
    assert ("Log" in {kinds[n] for n in before}) == (stream != "image")
    assert len(weighted_nodes(loaded)) == convolutions
