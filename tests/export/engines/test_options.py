from __future__ import annotations

import pytest

from headstart.export.engines.options import build_options, check_device, choose_precision
from headstart.runtime.device_config import load_device
from headstart.runtime.engines.key import ANY_GPU, EngineTarget
from headstart.runtime.errors import ArtifactError, ConfigError

ORIN = EngineTarget(flavour="tensorrt", version="10.3.0", gpu="Orin", compute_capability="8.7")
ALL = {name: f"image.{name}.onnx" for name in ("fp32", "fp16", "int8-cpu", "int8-trt")}


def test_the_best_precision_that_the_bundle_has_is_taken() -> None:
    nano = load_device("jetson-orin-nano-8gb")
    assert choose_precision(nano, None, ALL, "image") == "fp16"
    assert choose_precision(nano, None, {"fp32": "image.onnx"}, "image") == "fp32"
    assert choose_precision(nano, "int8", ALL, "image") == "int8"


def test_a_precision_that_was_asked_for_is_never_replaced() -> None:
    with pytest.raises(
        ArtifactError, match="no model of image for fp16 .only fp32.; expected fp16"
    ):
        choose_precision(load_device("x86-cuda"), "fp16", {"fp32": "image.onnx"}, "image")


def test_the_cpus_quantized_model_is_not_one_for_tensorrt() -> None:
    with pytest.raises(ArtifactError, match="expected int8-trt"):
        choose_precision(load_device("x86-cuda"), "int8", {"int8-cpu": "x"}, "image")


def test_a_device_without_a_gpu_builds_nothing() -> None:
    with pytest.raises(ConfigError, match="device cpu has no GPU and builds no engines"):
        choose_precision(load_device("cpu"), None, ALL, "image")


def test_options_are_spelt_out_for_the_key() -> None:
    options = build_options(load_device("jetson-orin-nano-8gb"), "fp16")
    assert options.flags() == ("optimization_level=3", "workspace_mb=512")


@pytest.mark.parametrize(
    ("device", "change"),
    [
        ("jetson-orin-nano-8gb", {}),
        ("jetson-orin-nano-8gb", {"version": "10.16.2"}),
        ("x86-cuda", {"gpu": "NVIDIA H200", "compute_capability": "9.0", "version": "11.4.0"}),
        ("x86-cuda", {"flavour": "tensorrt_rtx", "gpu": ANY_GPU, "compute_capability": ANY_GPU}),
        ("jetson-thor-t5000", {"gpu": "Thor", "compute_capability": "11.0", "version": "10.13.3"}),
    ],
)
def test_the_machine_that_a_device_describes_passes(device: str, change: dict[str, object]) -> None:
    check_device(load_device(device), ORIN.model_copy(update=change))


@pytest.mark.parametrize(
    ("device", "change", "words"),
    [
        ("jetson-thor-t5000", {}, r"has a GPU of compute capability 11.0, and this machine's Orin"),
        ("x86-cuda", {"compute_capability": "7.2"}, "compute capability 7.5 or more, and this"),
        ("jetson-orin-nano-8gb", {"version": "8.5.2"}, "TensorRT 8.5 is older than what jetson-or"),
        ("jetson-orin-nano-8gb", {"version": "10.13.3"}, r"10.13 holds no code .*\(sm_87\)"),
        (
            "jetson-orin-nano-8gb",
            {"flavour": "tensorrt_rtx"},
            "tensorrt_rtx does not run on jetson",
        ),
    ],
    ids=["other GPU", "old GPU", "old TensorRT", "no code", "RTX"],
)
def test_another_machine_is_refused_before_anything_is_built(
    device: str, change: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_device(load_device(device), ORIN.model_copy(update=change))
