"""Which engines a bundle needs on a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headstart.export.engines.options import (
    MODELS,
    BuildOptions,
    build_options,
    choose_precision,
)
from headstart.export.engines.profiles import Profile, stream_profile
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.device_config import DeviceConfig, Precision
from headstart.runtime.engines.key import EngineKey, EngineTarget
from headstart.runtime.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class EngineRequest:
    """One engine that is wanted.

    Args:
        key: what it depends on.
        model: the ONNX file's name in the bundle.
        profile: of its only input.
        options: for the builder.
    """

    key: EngineKey
    model: str
    profile: Profile
    options: BuildOptions


def engine_requests(
    bundle: Bundle,
    device: DeviceConfig,
    target: EngineTarget,
    *,
    streams: Sequence[str] = (),
    precision: Precision | None = None,
) -> tuple[EngineRequest, ...]:
    """What to build, in the manifest's order.

    Args:
        bundle: an opened bundle.
        device: the device's configuration.
        target: this machine's TensorRT and GPU.
        streams: only these; empty is all.
        precision: instead of the device's best that the bundle has.

    Raises:
        ConfigError: the bundle has no such stream, or the device builds no engines.
        ArtifactError: the bundle has no model of that precision, or leaves an axis open.
    """
    unknown = sorted(set(streams) - set(bundle.manifest.streams))
    if unknown:
        raise ConfigError(
            f"bundle {bundle.path} has no stream {unknown[0]!r}; expected some of"
            f" {', '.join(bundle.manifest.streams)}"
        )
    return tuple(
        _request(bundle, device, target, name, precision)
        for name in bundle.manifest.streams
        if not streams or name in streams
    )


def _request(
    bundle: Bundle,
    device: DeviceConfig,
    target: EngineTarget,
    stream: str,
    asked: Precision | None,
) -> EngineRequest:
    entry = bundle.manifest.streams[stream]
    precision = choose_precision(device, asked, entry.models, stream)
    options = build_options(device, precision)
    model = entry.models[MODELS[precision]]
    max_batch = 1 if device.engine is None else device.engine.max_batch
    profile = stream_profile(stream, entry, max_batch)
    key = EngineKey(
        stream=stream,
        onnx_sha256=bundle.manifest.files[model].sha256,
        target=target,
        precision=precision,
        profile=str(profile),
        flags=options.flags(),
    )
    return EngineRequest(key=key, model=model, profile=profile, options=options)
