from __future__ import annotations

import hashlib
import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from headstart.bundles import STARTER_PATH, trusted
from headstart.export.bundle_writer import (
    file_entries,
    head_bytes,
    manifest_bytes,
    write_bundle,
    write_trusted,
)
from headstart.runtime.bundle.manifest import Manifest
from headstart.runtime.bundle.verify import findings, verify
from headstart.runtime.errors import ArtifactError

HEAD = {"speech.mean": np.zeros(96, np.float32)}


@pytest.fixture
def files() -> dict[str, bytes]:
    onnx = (STARTER_PATH / "speech.onnx").read_bytes()
    return {"speech.onnx": onnx, "head.safetensors": head_bytes(HEAD)}


@pytest.fixture
def manifest(files: dict[str, bytes]) -> Manifest:
    raw = json.loads((STARTER_PATH / "manifest.json").read_text())
    streams = {"speech": raw["streams"]["speech"]}
    return Manifest.model_validate({**raw, "streams": streams, "files": file_entries(files)})


def test_what_is_written_verifies_and_reads_back(
    tmp_path: Path, manifest: Manifest, files: dict[str, bytes]
) -> None:
    digest = write_bundle(tmp_path / "b", manifest, files)
    assert verify(tmp_path / "b") == manifest
    assert digest == hashlib.sha256((tmp_path / "b" / "manifest.json").read_bytes()).hexdigest()


def test_the_shipped_manifest_is_as_the_writer_writes_it() -> None:
    data = (STARTER_PATH / "manifest.json").read_bytes()
    assert manifest_bytes(Manifest.model_validate_json(data)) == data


def test_the_order_of_the_tensors_does_not_change_the_head() -> None:
    tensors = {"b": np.arange(3.0), "a": np.ones((2, 2), np.float32)}
    assert head_bytes(tensors) == head_bytes(dict(reversed(tensors.items())))


def test_writing_replaces_an_older_bundle_whole(
    tmp_path: Path, manifest: Manifest, files: dict[str, bytes]
) -> None:
    write_bundle(tmp_path / "b", manifest, files)
    (tmp_path / "b" / "left-over").write_text("")
    write_bundle(tmp_path / "b", manifest, files)
    assert findings(tmp_path / "b") == []
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_bundle_that_would_not_verify_leaves_the_old_one_as_it_was(
    tmp_path: Path, manifest: Manifest, files: dict[str, bytes]
) -> None:
    write_bundle(tmp_path / "b", manifest, files)
    with pytest.raises(ArtifactError, match="'speech.onnx' has 3 bytes; expected"):
        write_bundle(tmp_path / "b", manifest, {**files, "speech.onnx": b"bad"})
    assert findings(tmp_path / "b") == []
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_folder_that_holds_something_else_is_left_alone(
    tmp_path: Path, manifest: Manifest, files: dict[str, bytes]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="holds files but no manifest.json; expected a bundle"):
        write_bundle(tmp_path, manifest, files)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_trusted_file_is_python_and_written_as_it_is_shipped(tmp_path: Path) -> None:
    path = tmp_path / "trusted.py"
    write_trusted(path, trusted.STARTER_MANIFEST_SHA256)
    assert path.read_text() == Path(trusted.__file__).read_text()
    write_trusted(path, "ab" * 32)
    assert runpy.run_path(str(path))["STARTER_MANIFEST_SHA256"] == "ab" * 32
