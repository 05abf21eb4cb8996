"""What one kind of device has and supports: ``device_configs/<name>.toml``, validated."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headstart.runtime.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

CONFIG_FOLDER = Path(__file__).parents[1] / "device_configs"

Precision = Literal["fp32", "fp16", "int8"]
Release = Annotated[str, Field(pattern=r"^\d+\.\d+$")]
"""A TensorRT release such as ``10.3``."""
Capability = Annotated[str, Field(pattern=r"^\d+\.\d$")]
"""A GPU's compute capability such as ``8.7``."""


class Table(BaseModel):
    """Base of every table: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class BoardTable(Table):
    """How to recognise the device."""

    modules: tuple[str, ...] = ()
    """Part numbers in the device tree's ``compatible``, such as ``p3767-0003``."""


class MemoryTable(Table):
    """How much memory there is, and how much of it Headstart may plan with."""

    total_gb: Annotated[float, Field(gt=0)] | None = None
    shared: bool = False
    """Whether CPU and GPU use the same memory, as on every Jetson."""
    budget_mb: Annotated[int, Field(gt=0)]
    """Encoders, engines and their buffers together should stay below this."""


class GpuTable(Table):
    """The GPU: its exact compute capability, or the least that will do."""

    compute_capability: Capability | None = None
    minimum_compute_capability: Capability | None = None


class DlaTable(Table):
    """Deep learning accelerators beside the GPU."""

    cores: Annotated[int, Field(ge=0)] = 0
    tensorrt: tuple[Release, ...] = ()
    """Releases whose builder can target them."""


class EngineTable(Table):
    """How engines are built here."""

    tensorrt: tuple[Release, ...] = ()
    """Releases that this device's software brings, oldest first; empty: not tied to any."""
    precisions: tuple[Precision, ...]
    """What to build, best first; the first that the bundle has is taken."""
    workspace_mb: Annotated[int, Field(gt=0)]
    """Scratch memory that one layer may use."""
    max_batch: Annotated[int, Field(gt=0)] = 8
    optimization_level: Annotated[int, Field(ge=0, le=5)] = 3
    """TensorRT's own scale: 0 builds fastest, 5 searches longest; 3 is its default."""
    dla_core: Annotated[int, Field(ge=0)] | None = None
    """Which accelerator to build for; absent: the GPU."""


class PowerTable(Table):
    """Power modes by name; their numbers differ between JetPack versions."""

    modes: tuple[str, ...] = ()


class SupportTable(Table):
    """How far the device is supported, and what was really run on it."""

    level: Literal["supported", "best-effort"]
    jetpack: tuple[str, ...] = ()
    note: str = ""
    verified: str = ""
    """What was measured on this very device; empty: nothing ever ran on it."""


class DeviceFile(Table):
    """What a file holds. ``gpu`` and ``engine`` are absent where there is no NVIDIA GPU."""

    title: str
    board: BoardTable = BoardTable()
    memory: MemoryTable
    gpu: GpuTable | None = None
    dla: DlaTable = DlaTable()
    engine: EngineTable | None = None
    power: PowerTable = PowerTable()
    support: SupportTable


class DeviceConfig(DeviceFile):
    """One device; it is named like its file."""

    name: str


def parse_precision(text: str) -> Precision:
    """A precision by name.

    Raises:
        ConfigError: there is none of that name.
    """
    for name in get_args(Precision):
        if name == text:
            found: Precision = name
            return found
    raise ConfigError(
        f"there is no precision {text!r}; expected one of {', '.join(get_args(Precision))}"
    )


def device_names() -> tuple[str, ...]:
    """The names of all devices that come with Headstart, sorted."""
    return tuple(sorted(path.stem for path in CONFIG_FOLDER.glob("*.toml")))


def load_device(device: str | Path) -> DeviceConfig:
    """Read one device's configuration.

    Args:
        device: a name out of `device_names`, or the path of a TOML file of one's own.

    Raises:
        ConfigError: no such device, not TOML, an unknown key, or a wrong value.
    """
    given = str(device)
    path = Path(device) if given.endswith(".toml") else CONFIG_FOLDER / f"{given}.toml"
    if not given.endswith(".toml") and given not in device_names():
        raise ConfigError(
            f"there is no device {given!r}{_nearest(given, device_names())}; expected one of"
            f" {', '.join(device_names())}, or the path of a .toml file"
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}); expected a device configuration: check the"
            " path"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML ({error}): correct that line") from error
    try:
        checked = DeviceFile.model_validate(table)
    except ValidationError as error:
        raise ConfigError(_explain(path, error)) from error
    return DeviceConfig(name=path.stem, **dict(checked))


def load_devices() -> tuple[DeviceConfig, ...]:
    """Every device that comes with Headstart.

    Raises:
        ConfigError: one of the files is not valid.
    """
    return tuple(load_device(name) for name in device_names())


def _explain(path: Path, error: ValidationError) -> str:
    # A misspelt key is also a missing one: the unknown one says more.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    where = [str(part) for part in first["loc"]]
    key = ".".join(where)
    if first["type"] != "extra_forbidden":
        given = "" if first["type"] == "missing" else f", not {first['input']!r}"
        return f"{path}: {key} is wrong ({first['msg']}{given}): correct it"
    valid = _keys(where[:-1])
    return (
        f"{path}: unknown key {key!r}{_nearest(where[-1], valid)}; expected one of"
        f" {', '.join(valid)}"
    )


def _keys(table: list[str]) -> tuple[str, ...]:
    """The valid keys of a table inside a device's file."""
    model: Any = DeviceFile
    for part in table:
        annotation = model.model_fields[part].annotation
        options = getattr(annotation, "__args__", (annotation,))
        model = next(option for option in options if issubclass(option, Table))
    return tuple(model.model_fields)


def _nearest(given: str, valid: Iterable[str]) -> str:
    close = get_close_matches(given, list(valid), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
