from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart.bundles import STARTER_PATH
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.bundle.verify import RUNTIME_VERSION, findings, verify
from headstart.runtime.errors import ArtifactError


def edit(bundle: Path, **changes: Any) -> None:
    """Change top-level fields of the manifest."""
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_in(bundle: Path, section: str, **changes: Any) -> None:
    """Change entries of one section of the manifest."""
    raw = json.loads((bundle / "manifest.json").read_text())
    edit(bundle, **{section: {**raw[section], **changes}})


def replace(bundle: Path, name: str, data: bytes) -> None:
    """Replace a file, and describe it rightly in the manifest."""
    (bundle / name).write_bytes(data)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    edit_in(bundle, "files", **{name: entry})


def damage(bundle: Path) -> None:
    path = bundle / "speech.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_off(bundle: Path) -> None:
    os.truncate(bundle / "speech.onnx", 1000)


def link_out(bundle: Path) -> None:
    (bundle / "speech.onnx").rename(bundle.parent / "outside.onnx")
    (bundle / "speech.onnx").symlink_to(bundle.parent / "outside.onnx")


def set_precision(bundle: Path, **models: str) -> None:
    raw = json.loads((bundle / "manifest.json").read_text())
    raw["streams"]["speech"]["models"] = models
    edit(bundle, streams=raw["streams"])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "one bit": (damage, r"'speech.onnx' has sha256 [0-9a-f]{16}…; expected [0-9a-f]{16}…"),
    "cut off": (cut_off, r"'speech.onnx' has 1000 bytes; expected 1722483"),
    "missing file": (lambda b: (b / "speech.onnx").unlink(), r"'speech.onnx' is missing; expected"),
    "missing manifest": (
        lambda b: (b / "manifest.json").unlink(),
        r"'manifest.json' in bundle .* is missing",
    ),
    "extra file": (lambda b: (b / "x.py").write_text(""), r"'x.py' is not listed in the manifest"),
    "link": (link_out, r"'speech.onnx', which is a symbolic link; expected plain files only"),
    "folder": (lambda b: (b / "more").mkdir(), r"'more', which is not a plain file"),
    "not JSON": (
        lambda b: (b / "manifest.json").write_bytes(b"\x00\xff"),
        r"is not JSON \(.*expected manifest.json as",
    ),
    "deep JSON": (lambda b: (b / "manifest.json").write_text("[" * 100_000), r"is not JSON"),
    "a list": (
        lambda b: (b / "manifest.json").write_text("[]"),
        r"manifest of bundle .* is wrong at the whole file",
    ),
    "huge manifest": (
        lambda b: (b / "manifest.json").write_text(" " * 1_000_001),
        r"'manifest.json' in bundle .* is larger than 1000000 bytes",
    ),
    "unknown key": (lambda b: edit(b, colour="red"), r"is wrong at colour \(Extra inputs"),
    "newer schema": (
        lambda b: edit(b, schema_version=2, files="of another kind"),
        r"has schema 2; this version reads up to 1: update headstart",
    ),
    "schema zero": (lambda b: edit(b, schema_version=0), r"is wrong at schema_version"),
    "newer runtime": (
        lambda b: edit(b, minimum_runtime="99.1"),
        r"needs headstart 99.1; this is 0.1.0: update headstart",
    ),
    "odd runtime": (lambda b: edit(b, minimum_runtime="soon"), r"asks for headstart 'soon'"),
    "path out": (
        lambda b: edit_in(b, "files", **{"../evil": {"sha256": "0" * 64, "bytes": 1}}),
        r"is wrong at files.../evil.* \(String should match",
    ),
    "model path out": (
        lambda b: set_precision(b, fp32="/etc/passwd"),
        r"is wrong at streams.speech.models.fp32",
    ),
    "unlisted model": (
        lambda b: set_precision(b, fp32="other.onnx"),
        r"stream 'speech' uses 'other.onnx', which the manifest does not list",
    ),
    "no fp32": (
        lambda b: set_precision(b, fp16="speech.onnx"),
        r"stream 'speech' has no fp32 model; expected one",
    ),
    "unlisted head": (
        lambda b: edit(b, head="other.safetensors"),
        r"the head uses 'other.safetensors', which the manifest does not list",
    ),
    "not ONNX": (
        lambda b: replace(b, "speech.onnx", b"hello, I am not a model"),
        r"'speech.onnx' is not an ONNX model \(it is .*; expected one",
    ),
    "foreign operator": (
        # graph { node { op_type: "Leak" domain: "evil.ops" } }
        lambda b: replace(b, "speech.onnx", b'\x3a\x12\x0a\x10\x22\x04Leak\x3a\x08evil.ops'),
        r"'speech.onnx' uses operators of \['evil.ops'\]; expected standard",
    ),
    "weights elsewhere": (
        # graph { initializer { data_location: EXTERNAL } }
        lambda b: replace(b, "speech.onnx", b"\x3a\x04\x2a\x02\x70\x01"),
        r"'speech.onnx' reads weights from another file",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "words"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_bundle_is_refused_in_one_clear_line(
    spoil: Callable[[Path], object], words: str, small_bundle: Path
) -> None:
    spoil(small_bundle)
    with pytest.raises(ArtifactError, match=words) as caught:
        verify(small_bundle)
    assert "\n" not in str(caught.value)
    assert findings(small_bundle)[0] == str(caught.value)
    with pytest.raises(ArtifactError, match=words):
        load_bundle(small_bundle)


def test_a_good_bundle_has_no_findings(small_bundle: Path) -> None:
    assert list(verify(small_bundle).streams) == ["speech"]
    assert findings(small_bundle) == []


def test_all_findings_are_listed(small_bundle: Path) -> None:
    damage(small_bundle)
    (small_bundle / "head.safetensors").unlink()
    (small_bundle / "extra").write_text("")
    names = ["'extra' is not listed", "'head.safetensors' is missing", "'speech.onnx' has sha256"]
    lines = findings(small_bundle)
    assert len(lines) == 3
    assert all(name in line for name, line in zip(names, lines, strict=True))


def test_a_signature_beside_the_manifest_is_no_finding(small_bundle: Path) -> None:
    (small_bundle / "SIGNATURE").write_bytes(b"\0" * 64)
    assert findings(small_bundle) == []


@pytest.mark.parametrize("kind", ["nothing", "a file"])
def test_what_is_no_bundle_at_all_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    if kind == "a file":
        path.write_text("hello")
    words = "does not exist" if kind == "nothing" else "is neither a folder nor a zip"
    with pytest.raises(ArtifactError, match=f"{words}; expected a bundle folder or .zip"):
        verify(path)


def test_the_installed_starter_verifies() -> None:
    assert findings(STARTER_PATH) == []


def test_the_runtime_version_is_the_packages() -> None:
    project = Path(__file__).parents[3] / "pyproject.toml"
    assert f'\nversion = "{RUNTIME_VERSION}"\n' in project.read_text()
