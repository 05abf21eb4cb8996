from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.encoders.choose import BackendFacts, choose_backend, look_at_backends
from headstart.runtime.engines.key import EngineKey, EngineTarget
from headstart.runtime.engines.record import EngineRecord
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.tensorrt_api import open_tensorrt
from headstart.runtime.errors import BackendError, ConfigError

NO_GPU = "there is no NVIDIA driver (libcuda.so.1)"
NO_TENSORRT = "tensorrt cannot be imported"
NO_PROVIDER = "this build of ONNX Runtime has no CUDA provider"
RECORD = EngineRecord(
    key=EngineKey(
        stream="image",
        onnx_sha256="a" * 64,
        target=EngineTarget(
            flavour="tensorrt", version="10.3.0", gpu="Orin", compute_capability="8.7"
        ),
        precision="fp16",
        profile="",
        flags=(),
    ),
    plan_sha256="b" * 64,
    plan_bytes=1,
    bundle_digest="c" * 64,
    built_at=0.0,
    seconds=1.0,
    checked="",
)


def facts(*, gpu: str = "", tensorrt: str = "", missing: str = "", cuda: str = "") -> BackendFacts:
    return BackendFacts(
        gpu=gpu,
        tensorrt=tensorrt,
        engines={} if missing else {"image": RECORD},
        missing_engines={"image": missing} if missing else {},
        cuda=cuda,
    )


@pytest.mark.parametrize(
    ("found", "backend", "reason", "build"),
    [
        (facts(), "tensorrt", "engines are ready: tensorrt 10.3.0 on Orin (sm 8.7)", False),
        (
            facts(missing="none was built", cuda=NO_PROVIDER),
            "onnxruntime",
            f"the CPU: TensorRT is not ready: none was built; {NO_PROVIDER}",
            True,
        ),
        (
            facts(missing="none was built"),
            "cuda",
            "ONNX Runtime has a CUDA provider, and TensorRT is not ready: none was built",
            True,
        ),
        (
            facts(tensorrt=NO_TENSORRT),
            "cuda",
            f"ONNX Runtime has a CUDA provider, and TensorRT is not ready: {NO_TENSORRT}",
            False,
        ),
        (
            facts(tensorrt=NO_TENSORRT, cuda=NO_PROVIDER),
            "onnxruntime",
            f"the CPU: TensorRT is not ready: {NO_TENSORRT}; {NO_PROVIDER}",
            False,
        ),
        (facts(gpu=NO_GPU), "onnxruntime", "the CPU: there is no NVIDIA driver", False),
    ],
    ids=["engines", "no engines", "provider", "no TensorRT", "neither", "no GPU"],
)
def test_auto_takes_the_fastest_that_works_now_and_says_why(
    found: BackendFacts, backend: str, reason: str, build: bool
) -> None:
    choice = choose_backend("auto", found)
    assert (choice.backend, choice.reason, choice.build) == (backend, reason, build)


@pytest.mark.parametrize("backend", ["onnxruntime", "cuda", "tensorrt"])
def test_what_is_asked_for_and_works_is_taken(backend: str) -> None:
    assert choose_backend(backend, facts()).backend == backend


@pytest.mark.parametrize(
    ("asked", "found", "words"),
    [
        ("tensorrt", facts(gpu=NO_GPU), NO_GPU),
        ("tensorrt", facts(tensorrt=NO_TENSORRT), NO_TENSORRT),
        ("tensorrt", facts(missing="it is damaged"), "it is damaged"),
        ("cuda", facts(gpu=NO_GPU), NO_GPU),
        ("cuda", facts(cuda=NO_PROVIDER), NO_PROVIDER),
    ],
)
def test_what_is_asked_for_and_does_not_work_is_an_error_and_never_replaced(
    asked: str, found: BackendFacts, words: str
) -> None:
    with pytest.raises(BackendError) as caught:
        choose_backend(asked, found)
    assert str(caught.value) == f"the {asked} backend cannot be used here: {words}"


def test_an_unknown_backend_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'gpu'; expected one of auto, onnxruntime, cuda, tenso"):
        choose_backend("gpu", facts())


@pytest.fixture
def _no_tensorrt(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    open_tensorrt.cache_clear()
    yield
    open_tensorrt.cache_clear()


@pytest.mark.usefixtures("_no_tensorrt")
def test_looking_at_this_machine_raises_nothing(tmp_path: Path) -> None:
    found = look_at_backends(load_bundle(), ["image"], EngineStore(tmp_path))
    assert "python3-libnvinfer" in found.tensorrt
    assert found.engines == {}
    assert choose_backend("auto", found).backend in ("onnxruntime", "cuda")
