"""Everything between `--backend` and encoders that serve: choose, open, and upgrade meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.choose import Choice, choose_backend, look_at_backends
from headstart.runtime.encoders.cuda.opening import open_cuda
from headstart.runtime.encoders.opening import open_backend, open_engine
from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.encoders.swapping import SwappingEncoder
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.upgrade import EngineUpgrade, start_build


@dataclass(frozen=True, kw_only=True, eq=False)
class Serving:
    """Open encoders.

    Args:
        encoders: stream → encoder, in the order asked for.
        choice: the backend that serves now, and why.
        upgrade: builds engines and exchanges the encoders for them once it is started; None where
            there is nothing to build. Close it before the encoders.
    """

    encoders: dict[str, Encoder]
    choice: Choice
    upgrade: EngineUpgrade | None


def open_serving(
    backend: str,
    bundle: Bundle,
    streams: Sequence[str],
    *,
    store: EngineStore | None = None,
    threads: int | None = None,
    build: bool = True,
    device: str | None = None,
) -> Serving:
    """Open a bundle's encoders.

    Args:
        backend: ``auto``, ``onnxruntime``, ``cuda`` or ``tensorrt``.
        bundle: an opened bundle.
        streams: which.
        store: where engines lie; None is the user's cache folder.
        threads: for the CPU.
        build: with ``auto``, prepare to build engines where TensorRT is there and they are not.
        device: for the build; None lets it find out.

    Raises:
        ConfigError: there is no such backend.
        BackendError: the one asked for does not work here.
        MissingDependency: a package that it needs is not installed.
        ArtifactError: the bundle lacks a stream.
    """
    engines = EngineStore() if store is None else store
    choice = choose_backend(backend, look_at_backends(bundle, streams, engines))
    opened = open_backend(choice.backend, bundle, streams, store=engines, threads=threads)
    if not (build and choice.build):
        return Serving(encoders=opened, choice=choice, upgrade=None)
    swapping = {name: SwappingEncoder(encoder) for name, encoder in opened.items()}
    upgrade = EngineUpgrade(
        swapping,
        lambda stream: open_engine(bundle, stream, engines, open_cuda()),
        engines,
        partial(
            start_build,
            engines,
            bundle=None if bundle.trusted else bundle.path,
            device=device,
            streams=streams,
        ),
    )
    return Serving(encoders=dict(swapping), choice=choice, upgrade=upgrade)
