"""From a chosen backend to open encoders: one table, one function for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.choose import Backend
from headstart.runtime.encoders.cuda.opening import open_cuda
from headstart.runtime.encoders.cuda.protocol import CudaLayer
from headstart.runtime.encoders.onnxruntime import encoder_spec, open_encoders
from headstart.runtime.encoders.onnxruntime_cuda import OnnxRuntimeCudaEncoder
from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.encoders.tensorrt import TensorRtEncoder
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.target import find_target
from headstart.runtime.engines.tensorrt_api import open_tensorrt


def open_backend(
    backend: Backend,
    bundle: Bundle,
    streams: Sequence[str],
    *,
    store: EngineStore | None = None,
    threads: int | None = None,
) -> dict[str, Encoder]:
    """Open a bundle's encoders on a backend, in the order of ``streams``.

    Args:
        backend: as `headstart.runtime.encoders.choose` gives it.
        bundle: an opened bundle.
        streams: which.
        store: where engines lie; None is the user's cache folder.
        threads: for the CPU.

    Raises:
        ArtifactError: the bundle lacks a stream, or there is no engine that may be loaded here.
        BackendError: the backend does not start, or refuses a model.
        MissingDependency: a package that the backend needs is not installed.
    """
    if backend == "onnxruntime":
        return open_encoders(bundle, streams, threads)
    if backend == "cuda":
        return _open_each(
            streams,
            lambda name: OnnxRuntimeCudaEncoder(bundle.model(name), encoder_spec(bundle, name)),
        )
    engines = EngineStore() if store is None else store
    cuda = open_cuda()
    return _open_each(streams, lambda name: open_engine(bundle, name, engines, cuda))


def open_engine(
    bundle: Bundle,
    stream: str,
    store: EngineStore,
    cuda: CudaLayer,
    precision: str | None = None,
) -> TensorRtEncoder:
    """Open the newest engine of a stream that may be loaded here.

    Raises:
        ArtifactError: there is none, or it is damaged.
        BackendError: TensorRT refuses it.
        MissingDependency: TensorRT is not installed.
    """
    spec = encoder_spec(bundle, stream)
    api = open_tensorrt()
    models = bundle.manifest.streams[stream].models.values()
    hashes = [bundle.manifest.files[name].sha256 for name in models]
    record = store.usable(stream, hashes, find_target(api), precision)
    return TensorRtEncoder(store.load_plan(record), spec, api=api, cuda=cuda)


def _open_each(streams: Sequence[str], opener: Callable[[str], Encoder]) -> dict[str, Encoder]:
    """All or none: what was opened is closed again when a later one fails."""
    opened: dict[str, Encoder] = {}
    try:
        for name in streams:
            opened[name] = opener(name)
    except BaseException:
        for encoder in opened.values():
            encoder.close()
        raise
    return opened
