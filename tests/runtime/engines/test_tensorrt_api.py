from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headstart.runtime.engines.tensorrt_api import MessageLog, open_tensorrt
from headstart.runtime.errors import ConfigError, MissingDependency


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    open_tensorrt.cache_clear()
    yield
    open_tensorrt.cache_clear()


def test_no_tensorrt_names_the_package_and_how_to_make_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        MissingDependency,
        match=r"tensorrt and tensorrt_rtx cannot be .*python3-libnvinfer.*--system-site-packages",
    ):
        open_tensorrt()


@pytest.mark.parametrize(
    "program",
    [
        "raise ImportError('libnvinfer.so.10: cannot open shared object file')",
        "raise OSError('libnvinfer.so.10: cannot open shared object file')",
        "import tensorrt_libs",
    ],
    ids=["ImportError", "OSError", "missing part"],
)
def test_a_package_without_its_libraries_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    (tmp_path / "tensorrt.py").write_text(program)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    with pytest.raises(MissingDependency, match=r"installed, but its libraries cannot be loaded"):
        open_tensorrt("tensorrt")


def test_an_unknown_flavour_lists_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match="'tensorflow'; expected one of auto, tensorrt, tensorrt_"
    ):
        open_tensorrt("tensorflow")


def test_errors_are_taken_once_and_the_oldest_are_dropped() -> None:
    log = MessageLog()
    for number in range(25):
        log.add(str(number))
    assert log.take() == tuple(str(number) for number in range(5, 25))
    assert log.take() == ()


def test_the_real_one_has_every_member_that_the_backend_uses() -> None:
    pytest.importorskip("tensorrt_rtx", reason="pip install tensorrt-rtx-cu13==1.7.1.116")
    api = open_tensorrt("tensorrt_rtx")
    assert api.is_rtx and api.release >= (1, 7)
    used = {
        "Runtime": ("deserialize_cuda_engine",),
        "ICudaEngine": (
            "create_execution_context",
            "get_tensor_dtype",
            "get_tensor_mode",
            "get_tensor_name",
            "get_tensor_profile_shape",
            "get_tensor_shape",
            "num_io_tensors",
        ),
        "IExecutionContext": ("execute_async_v3", "set_input_shape", "set_tensor_address"),
        "TensorIOMode": ("INPUT", "OUTPUT"),
        "DataType": ("UINT8", "FLOAT"),
        "NetworkDefinitionCreationFlag": ("STRONGLY_TYPED",),
    }
    missing = [(o, m) for o, members in used.items() for m in members if not api.has(o, m)]
    assert missing == []


def test_the_real_one_gives_its_reasons_to_us() -> None:
    pytest.importorskip("tensorrt_rtx", reason="pip install tensorrt-rtx-cu13==1.7.1.116")
    api = open_tensorrt("tensorrt_rtx")
    network = api.module.Builder(api.logger).create_network(0)
    parser = api.module.OnnxParser(network, api.logger)
    assert not parser.parse(b"not an onnx file")
    assert "parse" in api.why().lower()
    assert api.why() == "it gave no reason"
