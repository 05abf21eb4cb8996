from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headstart.export.engines.request import EngineRequest, engine_requests
from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.device_config import load_device
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.target import find_target
from headstart.runtime.engines.tensorrt_api import TensorRt, open_tensorrt


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="session")
def api() -> Iterator[TensorRt]:
    """A real member of the TensorRT family: its parser and builder need no GPU."""
    pytest.importorskip("tensorrt_rtx", reason="pip install tensorrt-rtx-cu13==1.7.1.116")
    yield open_tensorrt("tensorrt_rtx")


@pytest.fixture
def store(tmp_path: Path) -> EngineStore:
    return EngineStore(tmp_path / "engines")


@pytest.fixture(scope="session")
def requests(bundle: Bundle, api: TensorRt) -> tuple[EngineRequest, ...]:
    return engine_requests(bundle, load_device("x86-cuda"), find_target(api))
