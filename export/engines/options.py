"""How an engine is built: the device's configuration as builder options."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.runtime.device_config import DeviceConfig, Precision
from headstart.runtime.engines.key import ANY_GPU, EngineTarget
from headstart.runtime.errors import ArtifactError, ConfigError

MODELS: dict[Precision, str] = {"fp32": "fp32", "fp16": "fp16", "int8": "int8-trt"}
"""Precision of an engine → the model it is built from: precision lives in the ONNX file."""


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What the builder is told.

    Args:
        precision: of the model; TensorRT 8.6 must be told as well.
        workspace_mb: scratch memory that one layer may use.
        optimization_level: TensorRT's, 0 to 5.
        dla_core: the accelerator to build for; None is the GPU.
    """

    precision: Precision
    workspace_mb: int
    optimization_level: int
    dla_core: int | None = None

    def flags(self) -> tuple[str, ...]:
        """For the engine's key."""
        dla = () if self.dla_core is None else (f"dla_core={self.dla_core}",)
        return (
            *dla,
            f"optimization_level={self.optimization_level}",
            f"workspace_mb={self.workspace_mb}",
        )


def build_options(device: DeviceConfig, precision: Precision) -> BuildOptions:
    """The device's options.

    Raises:
        ConfigError: the device builds no engines.
    """
    if device.engine is None:
        raise ConfigError(
            f"device {device.name} has no GPU and builds no engines; expected a device with one:"
            " ONNX Runtime serves it as it is"
        )
    return BuildOptions(
        precision=precision,
        workspace_mb=device.engine.workspace_mb,
        optimization_level=device.engine.optimization_level,
        dla_core=device.engine.dla_core,
    )


def choose_precision(
    device: DeviceConfig, asked: Precision | None, models: dict[str, str], stream: str
) -> Precision:
    """What to build: what was asked for, else the device's best that the bundle has.

    Raises:
        ConfigError: the device builds no engines.
        ArtifactError: the bundle has no such model.
    """
    if device.engine is None:
        build_options(device, "fp32")  # raises, with the reason
        raise AssertionError
    wanted = (asked,) if asked is not None else device.engine.precisions
    for precision in wanted:
        if MODELS[precision] in models:
            return precision
    raise ArtifactError(
        f"the bundle has no model of {stream} for {' or '.join(wanted)} (only"
        f" {', '.join(sorted(models))}); expected {', '.join(MODELS[p] for p in wanted)}: make it"
        " with `headstart export`, or choose another --precision"
    )


def check_device(device: DeviceConfig, target: EngineTarget) -> None:
    """Is this the machine that the device's configuration describes?

    Raises:
        ConfigError: another GPU, or a TensorRT that does not work there.
    """
    gpu, engine = device.gpu, device.engine
    if gpu is not None and target.gpu != ANY_GPU:
        found = _version(target.compute_capability)
        exact, least = gpu.compute_capability, gpu.minimum_compute_capability
        if (exact is not None and _version(exact) != found) or (
            least is not None and _version(least) > found
        ):
            raise ConfigError(
                f"{device.name} has a GPU of compute capability {exact or f'{least} or more'}, and"
                f" this machine's {target.gpu} has {target.compute_capability}: choose its device"
                " with --device; engines are built on the device that runs them"
            )
    if engine is None or not engine.tensorrt:
        return
    if target.flavour != "tensorrt":
        raise ConfigError(
            f"{target.flavour} does not run on {device.name}; expected TensorRT"
            f" {' or '.join(engine.tensorrt)} of its JetPack: run `sudo apt-get install"
            " python3-libnvinfer` there, and build there"
        )
    release = ".".join(target.version.split(".")[:2])
    if release not in engine.tensorrt and _version(release) < _version(engine.tensorrt[0]):
        raise ConfigError(
            f"TensorRT {release} is older than what {device.name} works with; expected one of"
            f" {', '.join(engine.tensorrt)}: update JetPack"
        )
    if (release, gpu.compute_capability if gpu else "") == ("10.13", "8.7"):
        raise ConfigError(
            f"TensorRT 10.13 holds no code for the GPU of {device.name} (sm_87); expected JetPack"
            f" 6 or 7.2 with one of {', '.join(engine.tensorrt)}: install that JetPack"
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
