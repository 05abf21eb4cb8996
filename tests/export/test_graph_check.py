from __future__ import annotations

from collections.abc import Callable

import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
from onnx import ModelProto, NodeProto, TensorProto, helper

from headstart.bundles import STARTER_PATH
from headstart.export.graph_check import OPSET, check_graph, graph_findings
from headstart.runtime.errors import ArtifactError


def model(
    *nodes: NodeProto, opset: int = OPSET, batch: str | int = "batch", kind: int = TensorProto.FLOAT
) -> ModelProto:
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", kind, [batch, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def external() -> ModelProto:
    made = model()
    made.graph.initializer.add(name="w", data_location=TensorProto.EXTERNAL)
    return made


def imported() -> ModelProto:
    made = model()
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return made


BRANCH = helper.make_graph([helper.make_node("Secret", ["x"], ["z"], domain="own")], "b", [], [])
FAULTS: dict[str, tuple[Callable[[], ModelProto], str]] = {
    "opset": (lambda: model(opset=17), r"asks for opsets {'': 17}; expected 18"),
    "import": (imported, r"asks for opsets .*com.microsoft"),
    "domain": (
        lambda: model(helper.make_node("Relu", ["x"], ["y"], domain="com.microsoft")),
        r"uses operators of \['com.microsoft'\]",
    ),
    "branch": (
        lambda: model(helper.make_node("If", ["x"], ["y"], then_branch=BRANCH)),
        r"uses operators of \['own'\]",
    ),
    "STFT": (lambda: model(helper.make_node("STFT", ["x", "s"], ["y"])), r"uses \['STFT'\]"),
    "external": (external, "keeps weights in another file"),
    "batch": (lambda: model(batch=1), "has a fixed batch axis at 'x'"),
    "uint8": (
        lambda: model(helper.make_node("Transpose", ["x"], ["y"]), kind=TensorProto.UINT8),
        r"feeds uint8 to \['Transpose'\]; expected Cast alone",
    ),
}


@pytest.mark.parametrize(("make", "words"), FAULTS.values(), ids=FAULTS)
def test_a_graph_that_a_runtime_of_ours_could_not_load_is_refused(
    make: Callable[[], ModelProto], words: str
) -> None:
    with pytest.raises(ArtifactError, match=words):
        check_graph(make())


def test_what_onnx_itself_rejects_is_refused() -> None:
    with pytest.raises(ArtifactError, match="is not valid ONNX"):
        check_graph(model(helper.make_node("Relu", ["nowhere"], ["y"])))


def test_a_plain_graph_passes() -> None:
    check_graph(model())
    check_graph(model(helper.make_node("Cast", ["x"], ["y"], to=1), kind=TensorProto.UINT8))


@pytest.mark.parametrize("name", ["image", "sound", "speech"])
def test_the_shipped_files_pass(name: str) -> None:
    assert list(graph_findings(onnx.load(STARTER_PATH / f"{name}.onnx"))) == []
