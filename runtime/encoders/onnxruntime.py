"""Encoders on ONNX Runtime's CPU provider: the default backend on every device."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.onnx_session import (
    ERRORS_ONLY,
    OnnxSessionEncoder,
    open_session,
)
from headstart.runtime.encoders.protocol import Encoder, EncoderSpec
from headstart.runtime.errors import (
    ArtifactError,
    ConfigError,
    MissingDependency,
)

MAX_THREADS = 4
"""More threads than this gain nothing on encoders of a few milliseconds."""
# Items go through one at a time: at two or more the CPU is no faster an item (measured, 8 pictures:
# the same time within 5 %), and the peak memory grows by about 12 MB an item.
_ITEMS_A_RUN = 1
CPU_PRECISIONS = ("fp32", "int8-cpu")
"""The others are for GPUs: FP16 is only emulated here and can crash, the other INT8 is slower."""


class OnnxRuntimeEncoder(OnnxSessionEncoder):
    """One encoder in one ONNX Runtime session on the CPU.

    ``encode`` may be called from several threads at once; ``close`` must not run beside it.

    Args:
        model: the ONNX file, or its bytes.
        spec: what the model is expected to take and give; checked when it is opened.
        threads: how many threads one call uses; None is the number of usable cores, at most
            ``MAX_THREADS``.

    Raises:
        BackendError: ONNX Runtime refuses the model, or it is not what ``spec`` says.
        MissingDependency: ONNX Runtime is not installed.
    """

    def __init__(
        self, model: Path | bytes, spec: EncoderSpec, *, threads: int | None = None
    ) -> None:
        session = _open_cpu_session(model, spec.stream, threads or default_threads())
        super().__init__(
            session,
            spec,
            items_a_run=_ITEMS_A_RUN,
            short_of="the machine's free memory and the bundle",
        )


def encoder_spec(bundle: Bundle, stream: str) -> EncoderSpec:
    """What a stream's encoder takes and gives, as the bundle's manifest says.

    Raises:
        ArtifactError: the bundle has no such stream, or the manifest leaves an axis open.
    """
    entry = bundle.manifest.streams.get(stream)
    if entry is None:
        raise ArtifactError(
            f"bundle {bundle.path} has no stream {stream!r}; expected one of"
            f" {sorted(bundle.manifest.streams)}"
        )
    shape, dim = entry.input.shape[1:], entry.output.shape[-1]
    sides = tuple(side for side in shape if isinstance(side, int))
    if sides != shape or not isinstance(dim, int):
        raise ArtifactError(
            f"stream {stream!r} of bundle {bundle.path} takes {shape} and gives {dim}; expected"
            " fixed numbers after the batch axis: get the bundle again"
        )
    return EncoderSpec(
        stream=stream,
        modality=entry.modality,
        input_shape=sides,
        input_dtype=entry.input.dtype,
        dim=dim,
        sha256=bundle.manifest.files[entry.models["fp32"]].sha256,
    )


def open_encoders(
    bundle: Bundle,
    streams: Iterable[str] | None = None,
    threads: int | None = None,
    *,
    precision: str = "fp32",
) -> dict[str, Encoder]:
    """Open a bundle's encoders, in the manifest's order.

    Whatever the precision, ``spec.sha256`` is that of the FP32 file, so a gallery goes on with any
    of them: a flavour is in a bundle only if the gate measured that things enrolled in FP32 are
    recognised with it, and strangers are not.

    Args:
        bundle: an opened bundle.
        streams: which; None is all.
        threads: see ``OnnxRuntimeEncoder``.
        precision: one of ``CPU_PRECISIONS``.

    Raises:
        ConfigError: a precision that this backend does not run.
        ArtifactError: the bundle lacks a stream or this precision of it, or a file was changed
            since it was opened.
        BackendError: ONNX Runtime refuses a model.
        MissingDependency: ONNX Runtime is not installed.
    """
    if precision not in CPU_PRECISIONS:
        raise ConfigError(
            f"precision {precision!r} was asked for on the CPU; expected one of"
            f" {', '.join(CPU_PRECISIONS)}"
        )
    wanted = set(bundle.manifest.streams if streams is None else streams)
    specs = {name: encoder_spec(bundle, name) for name in wanted}
    return {
        name: OnnxRuntimeEncoder(bundle.model(name, precision), specs[name], threads=threads)
        for name in bundle.manifest.streams
        if name in wanted
    }


def default_threads() -> int:
    """The cores that this process may use, at most ``MAX_THREADS``."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, MAX_THREADS)


def _open_cpu_session(model: Path | bytes, stream: str, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency(
            f"ONNX Runtime cannot be imported ({error}); the {stream} encoder needs it: run"
            ' pip install "onnxruntime>=1.18"'
        ) from error
    onnxruntime.set_default_logger_severity(ERRORS_ONLY)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads sleep instead of spinning: a kiosk's other work gets the cores, and with two
    # threads on a busy machine a call took 9 ms instead of 22 (measured).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = str(model) if isinstance(model, Path) else model
    return open_session(source, stream, options, ["CPUExecutionProvider"])
