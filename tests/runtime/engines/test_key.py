from __future__ import annotations

import pytest

from headstart.runtime.engines.key import ANY_GPU, EngineKey, EngineTarget

ORIN = EngineTarget(flavour="tensorrt", version="10.3.0", gpu="Orin", compute_capability="8.7")
KEY = EngineKey(
    stream="image",
    onnx_sha256="a" * 64,
    target=ORIN,
    precision="fp16",
    profile="image:1x224x224x3:1x224x224x3:7x224x224x3",
    flags=("optimization_level=3", "workspace_mb=512"),
)


@pytest.mark.parametrize(
    "change",
    [
        {"onnx_sha256": "b" * 64},
        {"target": ORIN.model_copy(update={"version": "10.3.1"})},
        {"target": ORIN.model_copy(update={"gpu": "Thor"})},
        {"target": ORIN.model_copy(update={"compute_capability": "11.0"})},
        {"precision": "fp32"},
        {"profile": "image:1x224x224x3:1x224x224x3:8x224x224x3"},
        {"flags": ("optimization_level=4", "workspace_mb=512")},
    ],
    ids=["model", "TensorRT", "GPU", "capability", "precision", "profile", "flags"],
)
def test_another_key_is_another_engine(change: dict[str, object]) -> None:
    other = KEY.model_copy(update=change)
    assert other.digest != KEY.digest
    assert other.name != KEY.name


def test_the_name_of_an_engine_does_not_change_between_versions_of_ours() -> None:
    assert KEY.name == "image-fp16-" + KEY.digest[:16]
    assert EngineKey.model_validate_json(KEY.model_dump_json()).digest == KEY.digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "10.16.2"}, "built with tensorrt 10.3.0, and this machine has tensorrt 10.16"),
        ({"flavour": "tensorrt_rtx"}, "this machine has tensorrt_rtx 10.3.0"),
        ({"gpu": "NVIDIA Thor"}, r"built for Orin (sm 8.7), and this machine has NVIDIA Thor"),
        ({"compute_capability": "8.6"}, "this machine has Orin (sm 8.6)"),
    ],
)
def test_an_engine_of_another_machine_is_refused_with_the_reason(
    change: dict[str, object], words: str
) -> None:
    assert words in (ORIN.refusal(ORIN.model_copy(update=change)) or "")


def test_an_engine_of_this_machine_is_not_refused() -> None:
    assert ORIN.refusal(ORIN) is None


def test_only_rtx_engines_may_have_been_built_for_any_gpu() -> None:
    here = ORIN.model_copy(update={"flavour": "tensorrt_rtx"})
    anywhere = here.model_copy(update={"gpu": ANY_GPU, "compute_capability": ANY_GPU})
    assert anywhere.refusal(here) is None
    assert anywhere.model_copy(update={"flavour": "tensorrt"}).refusal(ORIN) is not None
