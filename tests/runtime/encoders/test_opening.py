from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.encoders import opening
from headstart.runtime.encoders.cuda.host_layer import HostLayer
from headstart.runtime.encoders.opening import open_backend
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.tensorrt_api import open_tensorrt
from headstart.runtime.errors import BackendError, HeadstartError, MissingDependency


@pytest.fixture(autouse=True)
def _no_tensorrt(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    open_tensorrt.cache_clear()
    yield
    open_tensorrt.cache_clear()


def test_the_cpu_opens_in_the_order_asked_for() -> None:
    opened = open_backend("onnxruntime", load_bundle(), ["sound", "speech"], threads=1)
    assert list(opened) == ["sound", "speech"]


def test_engines_without_tensorrt_name_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "open_cuda", HostLayer)
    with pytest.raises(MissingDependency, match="python3-libnvinfer"):
        open_backend("tensorrt", load_bundle(), ["speech"], store=EngineStore(tmp_path))


def test_engines_without_a_driver_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise BackendError("there is no NVIDIA driver")

    monkeypatch.setattr(opening, "open_cuda", absent)
    with pytest.raises(BackendError, match="no NVIDIA driver"):
        open_backend("tensorrt", load_bundle(), ["speech"])


def test_all_encoders_open_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Opened:
        def __init__(self, model: bytes, spec: object) -> None:
            if opened:
                raise HeadstartError("the second does not open")
            opened.append(self)

        def close(self) -> None:
            closed.append("first")

    opened: list[Opened] = []
    monkeypatch.setattr(opening, "OnnxRuntimeCudaEncoder", Opened)
    with pytest.raises(HeadstartError, match="the second does not open"):
        open_backend("cuda", load_bundle(), ["sound", "speech"])
    assert closed == ["first"]
