"""Is a bundle what its manifest says? Checked before anything in it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from headstart.runtime.bundle.container import MAX_FILE_BYTES, Container, open_container
from headstart.runtime.bundle.manifest import SCHEMA_VERSION, Manifest
from headstart.runtime.bundle.onnx_scan import scan_onnx
from headstart.runtime.errors import ArtifactError

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "SIGNATURE"
RUNTIME_VERSION = "0.1.0"
"""What this runtime counts as when a bundle asks for a minimum version."""
_MAX_MANIFEST_BYTES = 1_000_000


def verify(path: Path) -> Manifest:
    """Check a bundle completely and return its manifest.

    Raises:
        ArtifactError: the first thing that is wrong.
    """
    container = open_container(path)
    manifest = parse_manifest(read_manifest(container), str(path))
    check_files(container, manifest, path)
    return manifest


def findings(path: Path) -> list[str]:
    """Everything that is wrong with a bundle, one line each; empty when all is well.

    What cannot be read at all (no bundle, no manifest, a link in it) is the only line then.
    """
    try:
        container = open_container(path)
        manifest = parse_manifest(read_manifest(container), str(path))
        return [_line(path, finding) for finding in _disagreements(container, manifest)]
    except ArtifactError as error:
        return [str(error)]


def read_manifest(container: Container) -> bytes:
    """The manifest's bytes.

    Raises:
        ArtifactError: it is missing, or the container holds something that no bundle may hold.
    """
    container.sizes()
    return container.read(MANIFEST_NAME, _MAX_MANIFEST_BYTES)


def parse_manifest(data: bytes, label: str) -> Manifest:
    """Read a manifest, refusing newer schemas before anything else in it is looked at.

    Raises:
        ArtifactError: not JSON, a newer schema, a wrong field, or a newer runtime asked for.
    """
    from pydantic import ValidationError

    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(
            f"the manifest of bundle {label} is not JSON ({error}); expected {MANIFEST_NAME} as"
            " `headstart export` writes it: get the bundle again"
        ) from error
    schema = raw.get("schema_version") if isinstance(raw, dict) else None
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        raise ArtifactError(
            f"bundle {label} has schema {schema}; this version reads up to {SCHEMA_VERSION}:"
            " update headstart"
        )
    try:
        manifest = Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise ArtifactError(
            f"the manifest of bundle {label} is wrong at {where} ({first['msg']}); expected schema"
            f" {SCHEMA_VERSION}: get the bundle again"
        ) from error
    if _version(manifest.minimum_runtime, label) > _version(RUNTIME_VERSION, label):
        raise ArtifactError(
            f"bundle {label} needs headstart {manifest.minimum_runtime}; this is {RUNTIME_VERSION}:"
            " update headstart"
        )
    return manifest


def read_checked(container: Container, manifest: Manifest, name: str, path: Path) -> bytes:
    """One file of the bundle, exactly as the manifest describes it.

    Raises:
        ArtifactError: not listed, missing, or of another size or hash.
    """
    entry = manifest.files.get(name)
    if entry is None:
        raise ArtifactError(
            f"bundle {path} lists no file {name!r}; expected one of {sorted(manifest.files)}"
        )
    data = container.read(name, min(entry.bytes, MAX_FILE_BYTES))
    found = hashlib.sha256(data).hexdigest()
    if found != entry.sha256:
        raise ArtifactError(
            _line(path, f"{name!r} has sha256 {found[:16]}…; expected {entry.sha256[:16]}…")
        )
    return data


def check_files(container: Container, manifest: Manifest, path: Path) -> None:
    """Compare the files with the manifest.

    Raises:
        ArtifactError: the first disagreement.
    """
    for finding in _disagreements(container, manifest):
        raise ArtifactError(_line(path, finding))


def _disagreements(container: Container, manifest: Manifest) -> Iterator[str]:
    """Every disagreement between the files and the manifest, without the bundle's name."""
    sizes = container.sizes()
    yield from _check_references(manifest)
    for name in sorted(set(sizes) - set(manifest.files) - {MANIFEST_NAME, SIGNATURE_NAME}):
        yield f"{name!r} is not listed in the manifest; expected only listed files"
    for name, entry in manifest.files.items():
        if name not in sizes:
            yield f"{name!r} is missing; expected {entry.bytes} bytes"
        elif sizes[name] != entry.bytes:
            yield f"{name!r} has {sizes[name]} bytes; expected {entry.bytes}"
        else:
            yield from _check_content(container, name, entry.sha256, entry.bytes)


def _check_references(manifest: Manifest) -> Iterator[str]:
    """Files that the manifest uses but does not list, and names that it must not list."""
    used = {manifest.head: "the head"}
    for stream, entry in manifest.streams.items():
        if "fp32" not in entry.models:
            yield f"stream {stream!r} has no fp32 model; expected one"
        used.update({name: f"stream {stream!r}" for name in entry.models.values()})
    if manifest.fusion is not None:
        used.update({name: "the fusion" for name in manifest.fusion.models.values()})
    for name, user in used.items():
        if name not in manifest.files:
            yield f"{user} uses {name!r}, which the manifest does not list; expected it in files"
    for name in (MANIFEST_NAME, SIGNATURE_NAME):
        if name in manifest.files:
            yield f"the manifest lists {name!r}; expected every other file but not this one"


def _check_content(container: Container, name: str, sha256: str, size: int) -> Iterator[str]:
    data = container.read(name, size)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        yield f"{name!r} has sha256 {found[:16]}…; expected {sha256[:16]}…"
    elif name.endswith(".onnx"):
        try:
            facts = scan_onnx(data)
        except ValueError as error:
            yield f"{name!r} is not an ONNX model ({error}); expected one"
            return
        if facts.foreign_domains:
            yield (
                f"{name!r} uses operators of {sorted(facts.foreign_domains)}; expected standard"
                " ONNX operators only"
            )
        if facts.external_data:
            yield f"{name!r} reads weights from another file; expected a single file"


def _version(text: str, label: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError as error:
        raise ArtifactError(
            f"bundle {label} asks for headstart {text!r}; expected numbers such as 0.1.0"
        ) from error


def _line(path: Path, finding: str) -> str:
    return f"bundle {path}: {finding}: get the bundle again"
