from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.encoders import serving
from headstart.runtime.encoders.choose import BackendFacts
from headstart.runtime.encoders.serving import open_serving
from headstart.runtime.encoders.swapping import SwappingEncoder
from headstart.runtime.engines.store import EngineStore

SILENCE = np.zeros((1, 16_000), np.float32)


@pytest.fixture
def _tensorrt_without_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = BackendFacts(
        gpu="", tensorrt="", missing_engines={"speech": "none was built"}, cuda="no CUDA provider"
    )
    monkeypatch.setattr(serving, "look_at_backends", lambda bundle, streams, store: facts)


@pytest.mark.usefixtures("_tensorrt_without_engines")
def test_the_cpu_serves_and_an_upgrade_stands_ready(tmp_path: Path) -> None:
    store = EngineStore(tmp_path / "engines")
    opened = open_serving("auto", load_bundle(), ["speech"], store=store, threads=1)
    assert opened.choice.backend == "onnxruntime"
    assert isinstance(opened.encoders["speech"], SwappingEncoder)
    assert opened.encoders["speech"].encode(SILENCE).shape == (1, 96)
    # Nothing is started behind the back of whoever opens.
    assert opened.upgrade is not None and opened.upgrade.waiting == ("speech",)
    assert not store.folder.exists()
    opened.upgrade.close()


@pytest.mark.usefixtures("_tensorrt_without_engines")
@pytest.mark.parametrize(
    ("backend", "build"), [("onnxruntime", True), ("auto", False)], ids=["asked for", "no build"]
)
def test_no_upgrade_where_nobody_wants_one(tmp_path: Path, backend: str, build: bool) -> None:
    opened = open_serving(
        backend, load_bundle(), ["speech"], store=EngineStore(tmp_path), threads=1, build=build
    )
    assert opened.upgrade is None
    assert not isinstance(opened.encoders["speech"], SwappingEncoder)


def test_a_machine_without_a_gpu_gets_plain_encoders_and_a_reason(tmp_path: Path) -> None:
    opened = open_serving(
        "auto", load_bundle(), ["sound", "speech"], store=EngineStore(tmp_path), threads=1
    )
    assert list(opened.encoders) == ["sound", "speech"]
    assert opened.choice.reason
