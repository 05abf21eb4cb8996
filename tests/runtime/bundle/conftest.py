"""A small bundle to damage: the starter's manifest cut down to one stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.bundles import STARTER_PATH
from headstart.export.bundle_writer import HEAD_NAME, file_entries, head_bytes, write_bundle
from headstart.runtime.bundle.manifest import Manifest

HEAD = {"speech.mean": np.linspace(-1, 1, 96, dtype=np.float32)}


@pytest.fixture(scope="session")
def speech_onnx() -> bytes:
    return (STARTER_PATH / "speech.onnx").read_bytes()


@pytest.fixture
def small_bundle(tmp_path: Path, speech_onnx: bytes) -> Path:
    raw: dict[str, Any] = json.loads((STARTER_PATH / "manifest.json").read_text())
    files = {"speech.onnx": speech_onnx, HEAD_NAME: head_bytes(HEAD)}
    raw["streams"] = {"speech": raw["streams"]["speech"]}
    raw["files"] = file_entries(files)
    write_bundle(tmp_path / "small", Manifest.model_validate(raw), files)
    return tmp_path / "small"
