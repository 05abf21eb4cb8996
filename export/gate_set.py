"""What a candidate is judged on: samples of classes that nobody fitted anything to.

A gate set is a data folder, `DATA/<class>/<stem>.<ext>`, or a ``.zip`` of one: the gate encodes it
again with every candidate. For a site the best one is made of its own things.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.bundle.manifest import StreamEntry
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import Sample
from headstart.runtime.sources.folder import read_sample, scan

LEAST_CLASSES, LEAST_SAMPLES = 8, 3
"""Fewer classes, or samples of each, and one changed answer is more than a point."""
MAX_ZIP_BYTES = 512_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class GateSet:
    """Labelled samples, decoded.

    Args:
        name: for the verdict: where they came from.
        classes: class name → its samples by stem; every class of the same modalities may meet in
            an episode.
    """

    name: str
    classes: Mapping[str, Mapping[str, Sample]]

    def of(self, modality: str) -> dict[str, dict[str, Sample]]:
        """The classes with enough samples that hold ``modality``, and those samples."""
        having = {
            name: {stem: s for stem, s in samples.items() if modality in s.modalities}
            for name, samples in self.classes.items()
        }
        return {name: kept for name, kept in having.items() if len(kept) >= LEAST_SAMPLES}


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoded:
    """A gate set as one encoder sees it; each sample once, as a live query.

    Args:
        stems: class → its stems, in order.
        vectors: class → for each sample its raw views ``(views, dim)``.
        weights: class → for each sample its pooling weights ``(views,)``.
    """

    stems: Mapping[str, tuple[str, ...]]
    vectors: Mapping[str, tuple[NDArray[np.float32], ...]]
    weights: Mapping[str, tuple[NDArray[np.float32], ...]]

    def rows(self) -> NDArray[np.float32]:
        """All raw views, ``(views of all samples, dim)``."""
        return np.concatenate([v for name in self.vectors for v in self.vectors[name]])


def read_gate_set(path: Path) -> GateSet:
    """Read a gate set.

    Raises:
        CaptureError: nothing is there, or a file in it cannot be read: a gate must not shrink
            unseen.
        ConfigError: too few classes or samples to judge by, or a .zip that is not one.
    """
    if path.suffix == ".zip":
        with tempfile.TemporaryDirectory(prefix="headstart-gate-") as folder:
            _unzip(path, Path(folder))
            return _read(Path(folder), str(path))
    return _read(path, str(path))


def encode_gate_set(gate_set: GateSet, entry: StreamEntry, encoder: Encoder) -> Encoded:
    """Encode the samples that feed a stream.

    Raises:
        ConfigError: too few classes feed it.
        BackendError: the encoder failed.
    """
    stream = encoder.spec.stream
    classes = gate_set.of(entry.modality)
    if len(classes) < LEAST_CLASSES:
        raise ConfigError(
            f"gate set {gate_set.name} holds {len(classes)} classes with {LEAST_SAMPLES} or more"
            f" samples of {entry.modality}, which feeds the {stream} encoder; expected at least"
            f" {LEAST_CLASSES}: add samples, or use another gate set"
        )
    embedder = Embedder({stream: entry}, {stream: encoder})
    looks = {
        name: [embedder.embed(sample, "query").streams[stream] for sample in samples.values()]
        for name, samples in classes.items()
    }
    return Encoded(
        stems={name: tuple(samples) for name, samples in classes.items()},
        vectors={name: tuple(look.vectors for look in looks[name]) for name in looks},
        weights={name: tuple(look.weights for look in looks[name]) for name in looks},
    )


def _read(folder: Path, name: str) -> GateSet:
    classes: dict[str, dict[str, Sample]] = {}
    for item in scan(folder):
        try:
            sample = read_sample(item)
        except CaptureError as error:
            raise CaptureError(
                f"gate set {name}: {item.label}/{item.paths[0].name} cannot be read ({error});"
                " expected only whole media: remove the file or get it again"
            ) from error
        classes.setdefault(item.label, {})[item.stem] = sample
    enough = [label for label, samples in classes.items() if len(samples) >= LEAST_SAMPLES]
    if len(enough) < LEAST_CLASSES:
        raise ConfigError(
            f"gate set {name} holds {len(enough)} classes with {LEAST_SAMPLES} or more samples;"
            f" expected at least {LEAST_CLASSES} to judge by: add samples"
        )
    return GateSet(name=name, classes=classes)


def _unzip(path: Path, folder: Path) -> None:
    """Only `<class>/<file>` entries, and not more than a gate set can be."""
    try:
        with zipfile.ZipFile(path) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in files) > MAX_ZIP_BYTES:
                raise ConfigError(
                    f"gate set {path} unpacks to more than {MAX_ZIP_BYTES:,} bytes; expected a few"
                    " hundred samples: use a smaller one"
                )
            for entry in files:
                parts = PurePosixPath(entry.filename).parts
                if len(parts) != 2 or any(part in ("..", "/") for part in parts):
                    raise ConfigError(
                        f"gate set {path} holds {entry.filename!r}; expected <class>/<file> entries"
                    )
                archive.extract(entry, folder)
    except (zipfile.BadZipFile, OSError) as error:
        raise ConfigError(
            f"gate set {path} cannot be unpacked ({error}); expected a .zip of a data folder"
        ) from error
