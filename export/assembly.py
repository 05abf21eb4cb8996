"""What a bundle is put together from, step by step, before it is written once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.calibration.samples import calibration_inputs
from headstart.calibration.statistics import balanced_mean, unit
from headstart.export.bundle_writer import HEAD_NAME, file_entries, head_bytes, write_bundle
from headstart.export.flavours import Made
from headstart.export.own_encoder import OwnEncoder
from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.bundle.manifest import Manifest, Provenance
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.fusion.calibrated import CalibratedSpace

_OF_AN_ENCODER = ("mean", "whitening", "metric", "covariance", "distance")
"""Tensors of a stream in the head file that another encoder makes meaningless."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Contents:
    """A bundle's manifest and files; ``files`` of the manifest is only right once written."""

    manifest: Manifest
    files: Mapping[str, bytes]
    head: Mapping[str, NDArray[Any]]

    def write(self, folder: Path) -> str:
        """Write the bundle; see `headstart.export.bundle_writer.write_bundle`."""
        files = {**self.files, HEAD_NAME: head_bytes(self.head)}
        manifest = self.manifest.model_copy(
            update={"files": file_entries(files), "head": HEAD_NAME}
        )
        return write_bundle(folder, manifest, files)

    @contextmanager
    def opened(self) -> Iterator[Bundle]:
        """The bundle as it stands, written to a passing place and loaded."""
        with tempfile.TemporaryDirectory(prefix="headstart-export-") as folder:
            self.write(Path(folder) / "bundle")
            yield load_bundle(Path(folder) / "bundle")


def contents_of(bundle: Bundle) -> Contents:
    """What an opened bundle holds."""
    names = set(bundle.manifest.files) - {bundle.manifest.head}
    return Contents(
        manifest=bundle.manifest,
        files={name: bundle.read(name) for name in sorted(names)},
        head=dict(bundle.head),
    )


def with_own_encoders(
    contents: Contents, encoders: Mapping[str, OwnEncoder], calibration: Path
) -> Contents:
    """Put encoders in; their streams' means are measured on the calibration samples.

    What the head file knew of a replaced encoder goes: it would be wrong for the new one. So do
    the other precisions of it.

    Raises:
        CaptureError: the calibration folder holds too little for a stream.
    """
    streams, files, head = (
        dict(contents.manifest.streams),
        dict(contents.files),
        dict(contents.head),
    )
    card = dict(contents.manifest.card)
    for stream, own in encoders.items():
        old = streams.get(stream)
        for name in () if old is None else old.models.values():
            files.pop(name, None)
        for part in _OF_AN_ENCODER:
            head.pop(f"{stream}.{part}", None)
        card = {t: text for t, text in card.items() if not t.startswith(f"{stream} ")}
        streams[stream] = own.entry
        files[own.entry.models["fp32"]] = own.data
        dim = int(own.entry.output.shape[-1])
        head[f"{stream}.mean"] = np.zeros(dim, np.float32)
        if own.parity is not None:
            card[f"{stream} fp32"] = f"The ONNX file against the torch module: {own.parity}."
    placed = _placed(contents, streams, files, head, card)
    with placed.opened() as bundle:
        head.update(_means(bundle, list(encoders), calibration))
    return _placed(contents, streams, files, head, card)


def with_learned(
    contents: Contents,
    tensors: Mapping[str, NDArray[Any]],
    card: Mapping[str, str],
    provenance: Sequence[Provenance],
) -> Contents:
    """Replace tensors of the head by what training learnt, and say so."""
    manifest = contents.manifest.model_copy(
        update={
            "card": {**contents.manifest.card, **card},
            "provenance": (*contents.manifest.provenance, *provenance),
        }
    )
    return replace(contents, manifest=manifest, head={**contents.head, **tensors})


def with_flavours(contents: Contents, made: Sequence[Made]) -> Contents:
    """Add the flavours that passed the gate, and what it measured, to the model card."""
    streams, files = dict(contents.manifest.streams), dict(contents.files)
    card = dict(contents.manifest.card)
    for one in made:
        title = f"{one.stream} {one.precision}"
        old = streams[one.stream].models
        files.pop(old.get(one.precision, ""), None)
        card.pop(title, None)
        models = {precision: name for precision, name in old.items() if precision != one.precision}
        if not one.verdict.refused:
            name = f"{one.stream}.{one.precision}.onnx"
            models[one.precision] = name
            files[name] = one.data
            card[title] = one.card()
        streams[one.stream] = streams[one.stream].model_copy(update={"models": models})
    return _placed(contents, streams, files, contents.head, card)


def named(contents: Contents, *, name: str | None = None, version: str | None = None) -> Contents:
    """Give the bundle another name or version; None leaves it."""
    changes = {k: v for k, v in (("name", name), ("version", version)) if v is not None}
    return replace(contents, manifest=contents.manifest.model_copy(update=changes))


def _placed(
    contents: Contents,
    streams: Mapping[str, Any],
    files: Mapping[str, bytes],
    head: Mapping[str, NDArray[Any]],
    card: Mapping[str, str],
) -> Contents:
    manifest = contents.manifest.model_copy(update={"streams": dict(streams), "card": dict(card)})
    return Contents(manifest=manifest, files=files, head=head)


def _means(bundle: Bundle, streams: Sequence[str], calibration: Path) -> dict[str, NDArray[Any]]:
    """``<stream>.mean`` of unit vectors, as `CalibratedSpace` takes it."""
    found = {}
    encoders = open_encoders(bundle, streams, threads=1)
    with Embedder(bundle.manifest.streams, encoders) as embedder:
        inputs = calibration_inputs(calibration, embedder)
        for stream, batch in inputs.items():
            # Not yet centred: with a mean of zero the projection is the unit vector itself.
            space = CalibratedSpace(
                mean=np.zeros(encoders[stream].spec.dim, np.float32),
                power=bundle.manifest.streams[stream].space.power,
            )
            rows = unit(space.project(encoders[stream].encode(batch)))
            found[f"{stream}.mean"] = balanced_mean([rows]).astype(np.float32)
    return found
