"""Statistics that the calibration step measured, merged into the starter bundle's head."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from headstart.runtime.bundle.manifest import Provenance, Space, StreamEntry
from headstart.runtime.errors import ArtifactError

_SPACES = TypeAdapter(dict[str, Space])
_CARD = TypeAdapter(dict[str, str])
_PROVENANCE = TypeAdapter(tuple[Provenance, ...])


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """What a statistics file adds to the bundle.

    The file is a safetensors file. Its tensors go into the head under their names. Its metadata
    may hold, each as JSON: ``space``, stream → ``Space`` settings; ``card``, title → text;
    ``provenance``, a list of ``Provenance``.
    """

    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    spaces: Mapping[str, Space] = field(default_factory=dict)
    card: Mapping[str, str] = field(default_factory=dict)
    provenance: tuple[Provenance, ...] = ()


def read_statistics(path: Path) -> Statistics:
    """Read a statistics file.

    Raises:
        ArtifactError: it is not a safetensors file, or its metadata are not as described.
    """
    try:
        with safe_open(path, framework="numpy") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}
            notes = dict(opened.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise ArtifactError(
            f"statistics {path} cannot be read ({error}); expected a safetensors file"
        ) from error
    unknown = set(notes) - {"space", "card", "provenance", "recipe", "format"}
    if unknown:
        raise ArtifactError(
            f"statistics {path} have the metadata {sorted(unknown)}; expected only 'space', 'card'"
            " and 'provenance'"
        )
    try:
        return Statistics(
            tensors=tensors,
            spaces=_SPACES.validate_json(notes.get("space", "{}")),
            card=_CARD.validate_json(notes.get("card", "{}")),
            provenance=_PROVENANCE.validate_json(notes.get("provenance", "[]")),
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ArtifactError(
            f"statistics {path} have wrong metadata at {first['loc']} ({first['msg']}); expected"
            f" JSON such as {json.dumps({'speech': Space().model_dump()})}"
        ) from error


def read_all_statistics(paths: Sequence[Path]) -> Statistics:
    """Several statistics files as one; what a later one holds goes before an earlier one.

    Raises:
        ArtifactError: as `read_statistics`.
    """
    parts = [read_statistics(path) for path in paths]
    return Statistics(
        tensors={name: tensor for part in parts for name, tensor in part.tensors.items()},
        spaces={name: space for part in parts for name, space in part.spaces.items()},
        card={title: text for part in parts for title, text in part.card.items()},
        provenance=tuple(entry for part in parts for entry in part.provenance),
    )


def merged_head(
    streams: Mapping[str, StreamEntry], statistics: Statistics
) -> dict[str, NDArray[Any]]:
    """The head's tensors: a zero mean for every stream, replaced by what was measured.

    Raises:
        ArtifactError: a mean or whitening does not have its stream's length.
    """
    head: dict[str, NDArray[Any]] = {}
    for name, stream in streams.items():
        dim = stream.output.shape[-1]
        assert isinstance(dim, int)
        head[f"{name}.mean"] = np.zeros(dim, np.float32)
        for part, shape in ((f"{name}.mean", (dim,)), (f"{name}.whitening", (dim, dim))):
            tensor = statistics.tensors.get(part)
            if tensor is not None and (tensor.shape != shape or tensor.dtype != np.float32):
                raise ArtifactError(
                    f"the statistics hold {part!r} as {tensor.dtype} {tensor.shape}; expected"
                    f" float32 {shape}: measure it again with this bundle's encoders"
                )
    return {**head, **statistics.tensors}


def merged_streams(
    streams: Mapping[str, StreamEntry], statistics: Statistics
) -> dict[str, StreamEntry]:
    """The streams with the measured spaces.

    Raises:
        ArtifactError: a space is given for a stream that the bundle does not have.
    """
    unknown = set(statistics.spaces) - set(streams)
    if unknown:
        raise ArtifactError(
            f"the statistics name the streams {sorted(unknown)}; expected some of {sorted(streams)}"
        )
    return {
        name: stream.model_copy(update={"space": statistics.spaces.get(name, stream.space)})
        for name, stream in streams.items()
    }
