"""Every model that is for TensorRT builds with a real builder of its family, which needs no GPU."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytest.importorskip(
    "tensorrt_rtx", reason="needs a TensorRT builder: pip install tensorrt-rtx-cu13==1.7.1.116"
)
from onnx import TensorProto, helper

from headstart.calibration.fp16 import to_fp16
from headstart.calibration.quantize import Ranges, collect_ranges, quantize
from headstart.export.engines.builder import build_plan
from headstart.export.engines.options import BuildOptions
from headstart.export.engines.profiles import Profile, stream_profile
from headstart.export.operators import check_operators
from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.engines.tensorrt_api import open_tensorrt
from headstart.runtime.errors import ArtifactError

STREAMS = ("image", "sound", "speech")
OPTIONS = BuildOptions(precision="fp32", workspace_mb=256, optimization_level=0)


def build(model: bytes, *profiles: Profile) -> int:
    built = build_plan(open_tensorrt("tensorrt_rtx"), model, profiles=profiles, options=OPTIONS)
    return len(built.plan)


def profile(bundle: Bundle, stream: str) -> Profile:
    return stream_profile(stream, bundle.manifest.streams[stream], 8)


def inputs(stream: str) -> NDArray[np.generic]:
    rng = np.random.default_rng(0)
    if stream == "image":
        return rng.integers(0, 256, (8, 224, 224, 3), dtype=np.uint8)
    return rng.uniform(-0.3, 0.3, (8, 16_000)).astype(np.float32)


@pytest.fixture(scope="module")
def ranges(bundle: Bundle) -> dict[str, Ranges]:
    return {s: collect_ranges(bundle.model(s), inputs(s)) for s in STREAMS}


@pytest.mark.parametrize("stream", STREAMS)
def test_fp32_builds(bundle: Bundle, stream: str) -> None:
    assert build(bundle.model(stream), profile(bundle, stream)) > 1_000_000


@pytest.mark.parametrize("stream", STREAMS)
def test_fp16_builds(bundle: Bundle, stream: str) -> None:
    assert build(to_fp16(bundle.model(stream)), profile(bundle, stream)) > 500_000


@pytest.mark.parametrize("stream", STREAMS)
def test_the_symmetric_int8_builds(bundle: Bundle, ranges: dict[str, Ranges], stream: str) -> None:
    assert build(quantize(ranges[stream], "int8-trt"), profile(bundle, stream)) > 500_000


@pytest.mark.parametrize("stream", STREAMS)
def test_the_asymmetric_int8_is_refused_by_builder_and_list_with_a_nodes_name(
    bundle: Bundle, ranges: dict[str, Ranges], stream: str
) -> None:
    asymmetric = quantize(ranges[stream], "int8-cpu")
    with pytest.raises(ArtifactError, match=r"does not parse node '.+DequantizeLinear'"):
        build(asymmetric, profile(bundle, stream))
    with pytest.raises(ArtifactError, match=r"node '.+' \((De)?[qQ]uantizeLinear\)"):
        check_operators(onnx.load_from_string(asymmetric))


@pytest.mark.parametrize("stream", STREAMS)
def test_what_the_starter_ships_for_tensorrt_builds(stream: str) -> None:
    starter = load_bundle()
    for precision in set(starter.manifest.streams[stream].models) - {"int8-cpu"}:
        assert build(starter.model(stream, precision), profile(starter, stream)) > 500_000


def test_a_missing_profile_is_refused_with_the_inputs_name(bundle: Bundle) -> None:
    with pytest.raises(ArtifactError, match="input 'speech' has the open shape .* no optimization"):
        build(bundle.model("speech"))


def test_an_stft_is_refused_for_10_3_with_the_nodes_name() -> None:
    graph = helper.make_graph(
        [helper.make_node("STFT", ["x", "step"], ["y"], name="spectrum")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 16_000, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("step", TensorProto.INT64, [], [160])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    with pytest.raises(ArtifactError, match=r"TensorRT 10.3 .*node 'spectrum' \(STFT\).*10.5"):
        check_operators(model, ["10.3"])
    check_operators(model, ["10.13"])
