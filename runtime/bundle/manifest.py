"""The bundle's table of contents: what is in it, how to feed it, where it came from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
"""The newest manifest schema that this runtime reads."""

PlainName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""A file name directly inside the bundle: no folders, so no way out of it."""


class Section(BaseModel):
    """Base of every section: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileEntry(Section):
    """One file of the bundle."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class TensorEntry(Section):
    """One input or output of a model; a string in ``shape`` names a dynamic axis."""

    name: str
    dtype: Literal["uint8", "float32", "bool"]
    shape: tuple[int | str, ...]
    unit: str


class ImageViews(Section):
    """Which crops of a picture are encoded, at enrolment (support) and live (query).

    Names: ``full``, ``flip`` (mirrored), ``middle`` (87.5 % of each side), ``top-left``,
    ``top-right``, ``bottom-left``, ``bottom-right`` (80 %). The first is the query's.
    """

    kind: Literal["image-views"] = "image-views"
    support: tuple[str, ...]
    query: tuple[str, ...]


class AudioWindows(Section):
    """Which stretches of a sound are encoded, and how their embeddings become one.

    ``loudest``: windows at ``offsets_s`` around the loudest ``window_s`` seconds; ``spread``: up to
    ``count`` windows over the whole clip. ``pool`` ``mean`` averages raw embeddings (equal
    weights); ``energy`` averages unit vectors, each weighted by √RMS of its window.
    """

    kind: Literal["audio-windows"] = "audio-windows"
    window_s: float
    placement: Literal["loudest", "spread"]
    offsets_s: tuple[float, ...] = (0.0,)
    count: int = 1
    pool: Literal["mean", "energy"]


class Space(Section):
    """From a raw ``x`` to its stream's calibrated space: ``n(W n(n(x^power) − weight·mean))``.

    ``n`` scales to unit length; ``mean`` ``(dim,)`` and, if there is one, ``W`` ``(dim, dim)`` are
    tensors ``<stream>.mean`` and ``<stream>.whitening`` of the head file.
    """

    power: float = 1.0
    mean_weight: float = 1.0


class Provenance(Section):
    """Where weights came from and under which licence."""

    what: str
    source: str
    licence: str
    note: str = ""


class StreamEntry(Section):
    """One encoder's view of a modality."""

    modality: str
    models: dict[str, PlainName]
    """Precision → file: ``fp32`` always; ``fp16``, ``int8-cpu``, ``int8-trt`` where they exist."""
    input: TensorEntry
    output: TensorEntry
    views: Annotated[ImageViews | AudioWindows, Field(discriminator="kind")]
    space: Space = Space()
    provenance: Provenance


class FusionEntry(Section):
    """The learned fusion model; absent (null) means late fusion."""

    models: dict[str, PlainName]
    inputs: tuple[TensorEntry, ...]
    outputs: tuple[TensorEntry, ...]
    streams: tuple[str, ...]
    """Order of the streams along the mask's and the outputs' stream axis."""


class Manifest(Section):
    """``manifest.json``. Every file but it and ``SIGNATURE`` stands in ``files``."""

    schema_version: Annotated[int, Field(ge=1)]
    name: str
    version: str
    minimum_runtime: str
    description: str = ""
    files: dict[PlainName, FileEntry]
    streams: dict[PlainName, StreamEntry]
    fusion: FusionEntry | None = None
    head: PlainName
    provenance: tuple[Provenance, ...] = ()
    card: dict[str, str] = {}
    """Model card: what was measured, on what, and known limits, by title."""
