"""One ONNX file to one plan, through the one path that every TensorRT from 8.6 to 11 has.

Precision lives in the ONNX file, so the network is strongly typed wherever that exists; only 8.6,
which does not have it, is told the precision by flags.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headstart.export.engines.options import BuildOptions
from headstart.export.engines.profiles import Profile
from headstart.runtime.bundle.onnx_scan import scan_onnx
from headstart.runtime.encoders.cuda.driver import driver_too_old
from headstart.runtime.engines.tensorrt_api import TensorRt
from headstart.runtime.errors import ArtifactError, BackendError

Progress = Callable[[str, int, int], None]
"""Called with the stage, and how many of how many steps of it are done (0 of 0: unknown)."""
_MIB = 1 << 20
_TOO_OLD = ("cudaError 35", "error: 35", "driver version is insufficient")


@dataclass(frozen=True, kw_only=True)
class BuiltPlan:
    """What a build gives.

    Args:
        plan: the engine's bytes.
        timing_cache: what the build measured, for the next one; None where TensorRT keeps none.
    """

    plan: bytes
    timing_cache: bytes | None


def build_plan(
    api: TensorRt,
    model: bytes,
    *,
    profiles: tuple[Profile, ...],
    options: BuildOptions,
    timing_cache: bytes | None = None,
    progress: Progress = lambda stage, done, steps: None,
) -> BuiltPlan:
    """Build an engine; takes from a second to many minutes.

    Raises:
        ArtifactError: the model is not one that this TensorRT parses (the node is named), keeps
            weights elsewhere, or has an open input without a profile.
        BackendError: TensorRT does not start, or fails while it builds.
    """
    _check_single_file(model)
    api.messages.take()
    progress("parsing", 0, 0)
    builder = _open_builder(api)
    network = builder.create_network(_creation_flags(api))
    # One parser parses one model; it must live as long as the network.
    parser = api.module.OnnxParser(network, api.logger)
    if not parser.parse(model):
        raise ArtifactError(_parse_failure(api, parser))
    progress("configuring", 0, 0)
    config = builder.create_builder_config()
    _configure(api, builder, config, options)
    _add_profiles(api, builder, network, config, profiles)
    cache = _open_timing_cache(api, config, timing_cache)
    if api.has("IBuilderConfig", "progress_monitor"):
        config.progress_monitor = _make_monitor(api, progress)
    progress("building", 0, 0)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise _failure(api, "does not build the model")
    kept = config.get_timing_cache() if cache is not None else None
    return BuiltPlan(
        plan=bytes(plan), timing_cache=None if kept is None else bytes(kept.serialize())
    )


def _check_single_file(model: bytes) -> None:
    try:
        facts = scan_onnx(model)
    except ValueError as error:
        raise ArtifactError(
            f"the model is not an ONNX file ({error}): run `headstart bundle verify`"
        ) from error
    if facts.external_data:
        raise ArtifactError(
            "the model keeps weights in another file, which may be missing or changed; expected a"
            " single file: export it with external_data=False"
        )


def _open_builder(api: TensorRt) -> Any:
    try:
        return api.module.Builder(api.logger)
    except (TypeError, RuntimeError) as error:
        # TensorRT's factory gives a null pointer when CUDA does not start.
        reason = api.why()
        if any(sign in reason for sign in _TOO_OLD):
            raise driver_too_old(str(api)) from error
        raise BackendError(
            f"{api} does not start ({reason}); expected an NVIDIA GPU and its driver: check"
            " `nvidia-smi`"
        ) from error


def _creation_flags(api: TensorRt) -> int:
    flags: Any = getattr(api.module, "NetworkDefinitionCreationFlag", None)
    if hasattr(flags, "STRONGLY_TYPED"):
        return 1 << int(flags.STRONGLY_TYPED)
    # 8.6 needs it said; later versions know no other batch, and 11 dropped the flag.
    return 1 << int(flags.EXPLICIT_BATCH) if hasattr(flags, "EXPLICIT_BATCH") else 0


def _parse_failure(api: TensorRt, parser: Any) -> str:
    """The first node that TensorRT does not take, by name; the last error is the outermost."""
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    if not errors:
        return f"{api} does not parse the model ({api.why()}): run `headstart bundle verify`"
    first = errors[0]
    # 8.6 has neither of the two, but names node and operator in the text.
    name = first.node_name() if hasattr(first, "node_name") else ""
    operator = first.node_operator() if hasattr(first, "node_operator") else ""
    where = f"node {name or f'number {first.node()}'!r}"
    what = f" ({operator})" if operator else ""
    said = str(first.desc()).replace("\n", " ").strip()
    return (
        f"{api} does not parse {where}{what}: {said}; expected operators of its allow-list: export"
        " the model without it"
    )


def _configure(api: TensorRt, builder: Any, config: Any, options: BuildOptions) -> None:
    workspace = api.module.MemoryPoolType.WORKSPACE
    config.set_memory_pool_limit(workspace, options.workspace_mb * _MIB)
    config.builder_optimization_level = options.optimization_level
    if not api.has("NetworkDefinitionCreationFlag", "STRONGLY_TYPED"):
        for flag in {"fp16": ("FP16",), "int8": ("FP16", "INT8")}.get(options.precision, ()):
            config.set_flag(getattr(api.module.BuilderFlag, flag))
    if api.has("PreviewFeature", "PROFILE_SHARING_0806"):
        # Several contexts on one profile: a preview in 8.6, always so since 10.
        config.set_preview_feature(api.module.PreviewFeature.PROFILE_SHARING_0806, True)
    if options.dla_core is not None:
        _use_dla(api, builder, config, options)


def _use_dla(api: TensorRt, builder: Any, config: Any, options: BuildOptions) -> None:
    cores = builder.num_DLA_cores
    if options.dla_core is None or options.dla_core >= cores:
        raise BackendError(
            f"{api} sees {cores} deep learning accelerators here, and the device asks for number"
            f" {options.dla_core}: remove dla_core from the device's TOML"
        )
    if options.precision == "fp32":
        raise BackendError(
            "deep learning accelerators compute in FP16 and INT8 only, and FP32 was asked for:"
            " choose another --precision, or remove dla_core from the device's TOML"
        )
    config.default_device_type = api.module.DeviceType.DLA
    config.DLA_core = options.dla_core
    config.set_flag(api.module.BuilderFlag.GPU_FALLBACK)


def _add_profiles(
    api: TensorRt, builder: Any, network: Any, config: Any, profiles: tuple[Profile, ...]
) -> None:
    by_name = {profile.input: profile for profile in profiles}
    optimization = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        profile = by_name.pop(tensor.name, None)
        shape = tuple(tensor.shape)
        if profile is None and -1 not in shape:
            continue
        if profile is None:
            raise ArtifactError(
                f"input {tensor.name!r} has the open shape {shape} and no optimization profile;"
                f" expected one for it (there are profiles for {sorted(by_name) or 'none'}): list"
                " it in the manifest"
            )
        if not _fits(shape, profile):
            raise ArtifactError(
                f"input {tensor.name!r} has the shape {shape}, and its profile is {profile}: the"
                " manifest does not describe this model, run `headstart bundle verify`"
            )
        # Silent in some versions, an exception in others, False in a third.
        if optimization.set_shape(tensor.name, profile.least, profile.usual, profile.greatest) is (
            False
        ):
            raise _failure(api, f"refuses the profile {profile}")
    if by_name:
        raise ArtifactError(
            f"the model has no input {sorted(by_name)[0]!r}, which the manifest lists: run"
            " `headstart bundle verify`"
        )
    if config.add_optimization_profile(optimization) < 0:
        raise _failure(api, "refuses the optimization profile")


def _fits(shape: tuple[int, ...], profile: Profile) -> bool:
    return all(
        len(shape) == len(chosen)
        and all(side in (-1, given) for side, given in zip(shape, chosen, strict=True))
        for chosen in (profile.least, profile.usual, profile.greatest)
    )


def _open_timing_cache(api: TensorRt, config: Any, data: bytes | None) -> Any:
    """What earlier builds measured; an unusable one is dropped, which costs only time."""
    if api.is_rtx:
        return None  # measures when the engine is loaded, and ignores the cache
    for content in (data, b"") if data else (b"",):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return cache
        api.messages.take()
    return None


def _make_monitor(api: TensorRt, progress: Progress) -> Any:
    """TensorRT's phases as stages; from version 10 on."""

    class _Monitor(api.module.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            api.module.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            self.steps[phase] = steps
            progress(f"building: {phase}", 0, steps)

        def step_complete(self, phase: str, step: int) -> bool:
            progress(f"building: {phase}", step + 1, self.steps.get(phase, 0))
            return True

        def phase_finish(self, phase: str) -> None:
            steps = self.steps.pop(phase, 0)
            progress(f"building: {phase}", steps, steps)

    return _Monitor()


def _failure(api: TensorRt, what: str) -> BackendError:
    return BackendError(
        f"{api} {what} ({api.why()}); expected a plan: see `headstart doctor`, and free GPU memory"
    )
