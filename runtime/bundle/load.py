"""Opening a bundle: verified first, then its manifest and learned initialization in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from headstart.bundles import STARTER_PATH
from headstart.bundles.trusted import STARTER_MANIFEST_SHA256
from headstart.runtime.bundle.container import Container, open_container
from headstart.runtime.bundle.manifest import Manifest
from headstart.runtime.bundle.verify import (
    check_files,
    parse_manifest,
    read_checked,
    read_manifest,
)
from headstart.runtime.errors import ArtifactError


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """An opened, verified bundle.

    Args:
        path: the folder or .zip it came from.
        manifest: what it holds.
        head: the learned initialization's tensors by name, read-only.
        digest: sha256 of the manifest, which pins every file.
        trusted: whether it is the installed starter bundle, pinned inside the package.
    """

    path: Path
    manifest: Manifest
    head: Mapping[str, NDArray[Any]]
    digest: str
    trusted: bool
    _container: Container = field(repr=False)

    def read(self, name: str) -> bytes:
        """One listed file, its hash checked again at this very read.

        Raises:
            ArtifactError: not listed, or changed since the bundle was opened.
        """
        return read_checked(self._container, self.manifest, name, self.path)

    def model(self, stream: str, precision: str = "fp32") -> bytes:
        """The ONNX file of one stream.

        Raises:
            ArtifactError: no such stream or precision, or the file was changed.
        """
        entry = self.manifest.streams.get(stream)
        if entry is None:
            raise ArtifactError(
                f"bundle {self.path} has no stream {stream!r}; expected one of"
                f" {sorted(self.manifest.streams)}"
            )
        if precision not in entry.models:
            raise ArtifactError(
                f"bundle {self.path} has no {precision} model of {stream!r}; expected one of"
                f" {sorted(entry.models)}"
            )
        return self.read(entry.models[precision])


def load_bundle(path: Path | None = None) -> Bundle:
    """Open a bundle; None is the starter bundle that is installed with the package.

    Raises:
        ArtifactError: something in it is missing, damaged, newer or not ours; nothing is loaded.
    """
    where = STARTER_PATH if path is None else path
    container = open_container(where)
    data = read_manifest(container)
    digest = hashlib.sha256(data).hexdigest()
    if path is None and digest != STARTER_MANIFEST_SHA256:
        raise ArtifactError(
            f"the starter bundle's manifest has sha256 {digest[:16]}…; expected"
            f" {STARTER_MANIFEST_SHA256[:16]}…: install headstart again"
        )
    manifest = parse_manifest(data, str(where))
    check_files(container, manifest, where)
    head = _read_head(read_checked(container, manifest, manifest.head, where), manifest, where)
    return Bundle(
        path=where,
        manifest=manifest,
        head=head,
        digest=digest,
        trusted=digest == STARTER_MANIFEST_SHA256,
        _container=container,
    )


def _read_head(data: bytes, manifest: Manifest, path: Path) -> Mapping[str, NDArray[Any]]:
    """The head's tensors; every stream's mean must be there in the right length."""
    import safetensors
    import safetensors.numpy

    try:
        tensors = safetensors.numpy.load(data)
    except safetensors.SafetensorError as error:
        raise ArtifactError(
            f"{manifest.head!r} in bundle {path} is not a safetensors file ({error}); expected the"
            " learned initialization: get the bundle again"
        ) from error
    for stream, entry in manifest.streams.items():
        mean, dim = tensors.get(f"{stream}.mean"), entry.output.shape[-1]
        if mean is None or mean.shape != (dim,):
            found = "none" if mean is None else str(mean.shape)
            raise ArtifactError(
                f"{manifest.head!r} in bundle {path} has {found} as '{stream}.mean'; expected"
                f" ({dim},): get the bundle again"
            )
    for tensor in tensors.values():
        tensor.flags.writeable = False
    return MappingProxyType(tensors)
