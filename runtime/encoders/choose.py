"""Which backend runs the encoders, and why that one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.cuda.driver import find_gpu
from headstart.runtime.encoders.onnxruntime_cuda import cuda_provider_reason
from headstart.runtime.engines.record import EngineRecord
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.target import find_target
from headstart.runtime.engines.tensorrt_api import open_tensorrt
from headstart.runtime.errors import BackendError, ConfigError, HeadstartError

Backend = Literal["onnxruntime", "cuda", "tensorrt"]
BACKENDS = ("auto", "onnxruntime", "cuda", "tensorrt")


@dataclass(frozen=True, kw_only=True)
class BackendFacts:
    """What this machine can do.

    Args:
        gpu: why there is no GPU to use; empty where there is one.
        tensorrt: why TensorRT cannot be used; empty where it can.
        engines: stream → its engine.
        missing_engines: stream → why it has no engine that may be loaded here.
        cuda: why ONNX Runtime's CUDA provider cannot be used; empty where it can.
    """

    gpu: str
    tensorrt: str
    engines: Mapping[str, EngineRecord] = field(default_factory=dict)
    missing_engines: Mapping[str, str] = field(default_factory=dict)
    cuda: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A backend and the reason for it.

    Args:
        backend: what to open.
        reason: for people, on one line.
        build: whether engines are worth building meanwhile: TensorRT is there, engines are not.
    """

    backend: Backend
    reason: str
    build: bool = False


def look_at_backends(
    bundle: Bundle, streams: Iterable[str], store: EngineStore, precision: str | None = None
) -> BackendFacts:
    """Find out what this machine can do; opens no model and makes no CUDA context."""
    engines: dict[str, EngineRecord] = {}
    missing: dict[str, str] = {}
    gpu = tensorrt = ""
    try:
        find_gpu()
    except HeadstartError as error:
        gpu = str(error)
    try:
        target = find_target(open_tensorrt())
    except HeadstartError as error:
        tensorrt = str(error)
    else:
        for stream in streams:
            models = bundle.manifest.streams[stream].models.values()
            hashes = [bundle.manifest.files[name].sha256 for name in models]
            try:
                engines[stream] = store.usable(stream, hashes, target, precision)
            except HeadstartError as error:
                missing[stream] = str(error)
    return BackendFacts(
        gpu=gpu,
        tensorrt=tensorrt,
        engines=engines,
        missing_engines=missing,
        cuda=cuda_provider_reason() or "",
    )


def choose_backend(asked: str, facts: BackendFacts) -> Choice:
    """Choose; ``auto`` takes the fastest that works now, and says why.

    Raises:
        ConfigError: there is no such backend.
        BackendError: the one asked for cannot be used here; says why and what would help.
    """
    if asked not in BACKENDS:
        raise ConfigError(f"there is no backend {asked!r}; expected one of {', '.join(BACKENDS)}")
    if asked == "onnxruntime":
        return Choice(backend="onnxruntime", reason="asked for")
    tensorrt = facts.gpu or facts.tensorrt or "; ".join(facts.missing_engines.values())
    cuda = facts.gpu or facts.cuda
    if asked == "auto":
        return _choose_automatically(facts, tensorrt, cuda)
    reason = tensorrt if asked == "tensorrt" else cuda
    if reason:
        raise BackendError(f"the {asked} backend cannot be used here: {reason}")
    return Choice(backend="tensorrt" if asked == "tensorrt" else "cuda", reason="asked for")


def _choose_automatically(facts: BackendFacts, tensorrt: str, cuda: str) -> Choice:
    if not tensorrt:
        target = next(iter(facts.engines.values())).key.target
        return Choice(backend="tensorrt", reason=f"engines are ready: {target}")
    build = not facts.gpu and not facts.tensorrt
    if not cuda:
        reason = f"ONNX Runtime has a CUDA provider, and TensorRT is not ready: {tensorrt}"
        return Choice(backend="cuda", reason=reason, build=build)
    if facts.gpu:
        # The loader's own words and the advice are for those who asked for a GPU.
        return Choice(
            backend="onnxruntime", reason=f"the CPU: {re.split('[(;]', facts.gpu)[0].strip()}"
        )
    reason = f"the CPU: TensorRT is not ready: {tensorrt}; {cuda}"
    return Choice(backend="onnxruntime", reason=reason, build=build)
