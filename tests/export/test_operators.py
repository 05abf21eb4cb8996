from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnx", reason="needs the export extra")

import onnx
from onnx import TensorProto, helper, numpy_helper

from headstart.export.operators import (
    allowed_operators,
    check_operators,
    operator_objections,
    supported_releases,
)
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.device_config import load_devices
from headstart.runtime.errors import ArtifactError, ConfigError


def model(nodes: list[onnx.NodeProto], **constants: NDArray[Any]) -> onnx.ModelProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    return helper.make_model(helper.make_graph(nodes, "g", [value], [result], tensors))


def quantized(zero_point: NDArray[Any]) -> onnx.ModelProto:
    return model(
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="image/quantize"),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], name="image/dequantize"),
        ],
        s=np.float32(0.1).reshape(()),
        z=zero_point,
    )


@pytest.mark.parametrize("stream", ["image", "sound", "speech"])
def test_every_starter_model_suits_every_release(stream: str) -> None:
    check_operators(onnx.load_from_string(load_bundle().model(stream)))


def test_every_release_of_a_device_has_a_list() -> None:
    wanted = {
        release
        for device in load_devices()
        if device.engine is not None
        for release in device.engine.tensorrt
    }
    assert wanted == set(supported_releases())


def test_an_stft_is_refused_for_the_releases_before_it_and_named() -> None:
    stft = model([helper.make_node("STFT", ["x"], ["y"], name="front/stft")])
    for release in ("8.6", "10.3"):
        with pytest.raises(
            ArtifactError,
            match=rf"TensorRT {release} does not take .* node 'front/stft' \(STFT\).*10.5 on",
        ):
            check_operators(stft, [release])
    check_operators(stft, ["10.13", "10.16", "11.4"])


def test_an_operator_that_no_tensorrt_takes_is_refused_everywhere() -> None:
    unique = model([helper.make_node("Unique", ["x"], ["y"])])
    for release in supported_releases():
        (objection,) = operator_objections(unique, release)
        assert str(objection) == (
            "node 'number 0' (Unique) is an operator it does not parse: no TensorRT takes it"
        )


def test_operators_inside_branches_are_seen() -> None:
    branch = helper.make_graph(
        [helper.make_node("DFT", ["x"], ["z"], name="inner/dft")],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    outer = helper.make_node(
        "If", ["c"], ["y"], name="outer", then_branch=branch, else_branch=branch
    )
    assert [o.node for o in operator_objections(model([outer]), "11.4")] == ["inner/dft"] * 2


def test_symmetric_quantization_passes() -> None:
    check_operators(quantized(np.array(0, np.int8)))


@pytest.mark.parametrize(
    ("zero_point", "words"),
    [
        (np.array(3, np.int8), r"is asymmetric \(zero point 3\): it must be 0"),
        (np.array([0, -7], np.int8), r"is asymmetric \(zero point -7\)"),
        (np.array(0, np.uint8), r"quantizes to uint8: it must be int8 \(ActivationSymmetric\)"),
        (np.array(128, np.uint8), "quantizes to uint8"),
    ],
)
def test_asymmetric_quantization_is_refused_with_the_nodes_name(
    zero_point: NDArray[Any], words: str
) -> None:
    with pytest.raises(ArtifactError, match=rf"node 'image/quantize' \(QuantizeLinear\) {words}"):
        check_operators(quantized(zero_point))


def test_a_zero_point_that_is_a_constant_node_is_read() -> None:
    asymmetric = model(
        [
            helper.make_node(
                "Constant", [], ["z"], value=numpy_helper.from_array(np.array(3, np.int8))
            ),
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], name="q"),
        ],
        s=np.float32(0.1).reshape(()),
    )
    assert "zero point 3" in str(next(operator_objections(asymmetric, "11.4")))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [(["x", "s"], "has no int8 zero point of 0"), (["x", "s", "x"], "computes its zero point")],
)
def test_a_zero_point_that_is_not_given_is_refused(inputs: list[str], words: str) -> None:
    node = helper.make_node("QuantizeLinear", inputs, ["y"], name="q")
    assert words in str(next(operator_objections(model([node]), "10.3")))


def test_a_quantized_bias_is_refused_with_the_nodes_name() -> None:
    bias = model(
        [helper.make_node("DequantizeLinear", ["b", "s"], ["y"], name="conv/bias")],
        b=np.zeros(4, np.int32),
        s=np.float32(0.1).reshape(()),
    )
    with pytest.raises(
        ArtifactError, match=r"node 'conv/bias' \(DequantizeLinear\) holds a bias as int32: .*Quant"
    ):
        check_operators(bias)


def test_newer_releases_take_all_that_older_ones_take() -> None:
    lists = [allowed_operators(release) for release in supported_releases()]
    for older, newer in zip(lists, lists[1:], strict=False):
        assert older <= newer


@pytest.mark.parametrize("release", ["8.5", "ten"])
def test_a_release_without_a_list_is_refused(release: str) -> None:
    with pytest.raises(ConfigError, match="there is no|no operator list"):
        allowed_operators(release)


def test_the_newest_list_is_what_a_real_parser_says() -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="pip install tensorrt-rtx-cu13==1.7.1.116")
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    parser = trt.OnnxParser(builder.create_network(0), logger)
    refused = [op for op in sorted(allowed_operators("11.4")) if not parser.supports_operator(op)]
    assert refused == []
    assert not parser.supports_operator("Unique")
