"""One way through an engine: a context, a stream and buffers that serve one call at a time."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.encoders.cuda.protocol import CudaLayer
from headstart.runtime.encoders.protocol import EncoderSpec
from headstart.runtime.encoders.tensorrt_engine import LoadedEngine, create_context
from headstart.runtime.engines.tensorrt_api import TensorRt
from headstart.runtime.errors import BackendError

_FLOAT_BYTES = 4

_log = logging.getLogger(__name__)


class Lane:
    """Not for several threads at once; every call must run inside ``with cuda.attach():``.

    All memory is taken once, for the greatest batch. A batch size that comes a second time is
    recorded as a CUDA graph where the layer offers graphs: its addresses and shapes are fixed.
    """

    def __init__(
        self,
        loaded: LoadedEngine,
        spec: EncoderSpec,
        api: TensorRt,
        cuda: CudaLayer,
        *,
        graphs: bool,
    ) -> None:
        self._loaded, self._spec, self._api, self._cuda = loaded, spec, api, cuda
        self._graphs: dict[int, int | None] = {}
        self._graphs_wanted = graphs
        self._stream: int | None = None
        self._addresses: list[int] = []
        self._hosts: list[NDArray[Any]] = []
        try:
            self._context = create_context(loaded, spec.stream, api)
            self._stream = cuda.open_stream()
            shapes = (loaded.max_batch, *spec.input_shape), (loaded.max_batch, spec.dim)
            for shape, dtype in zip(shapes, (spec.input_dtype, "float32"), strict=True):
                self._hosts.append(cuda.pinned(shape, dtype))
                self._addresses.append(cuda.allocate(self._hosts[-1].nbytes))
            self._bind()
        except BaseException:
            self.close()
            raise

    def start(self, batch: NDArray[Any]) -> None:
        """Queue ``(items, *input_shape)``, at most the greatest batch; returns at once.

        Raises:
            BackendError: TensorRT or CUDA refuses.
        """
        items, stream = len(batch), self._open_stream()
        self._hosts[0][:items] = batch
        if items in self._graphs:
            graph = self._graphs[items]
            if graph is not None:
                self._cuda.launch(graph, stream)
                return
        self._queue(items)
        # The first run of a batch size lets TensorRT settle; only a later one is recorded.
        self._graphs.setdefault(items, None)

    def finish(self, items: int) -> NDArray[np.float32]:
        """Wait for the batch that was started; float32 ``(items, dim)``, owned by the caller.

        Raises:
            BackendError: the GPU failed meanwhile.
        """
        self._cuda.synchronize(self._open_stream())
        result: NDArray[np.float32] = self._hosts[1][:items].copy()
        if self._graphs_wanted and self._graphs.get(items, 0) is None:
            self._graphs[items] = self._record(items)
        return result

    def close(self) -> None:
        """Free everything; safe to call twice."""
        for graph in self._graphs.values():
            if graph is not None:
                self._cuda.close_graph(graph)
        self._graphs = {}
        self._context = None
        for address in self._addresses:
            self._cuda.free(address)
        for host in self._hosts:
            self._cuda.free_pinned(host)
        self._addresses, self._hosts = [], []
        if self._stream is not None:
            self._cuda.close_stream(self._stream)
            self._stream = None

    def _bind(self) -> None:
        """Addresses never change afterwards."""
        names = self._loaded.input, self._loaded.output
        for name, address in zip(names, self._addresses, strict=True):
            if not self._context.set_tensor_address(name, address):
                raise self._failure(f"refuses the address of {name!r}")

    def _queue(self, items: int) -> None:
        stream = self._open_stream()
        shape = (items, *self._spec.input_shape)
        if not self._context.set_input_shape(self._loaded.input, shape):
            raise self._failure(f"refuses the shape {shape}")
        self._cuda.copy_to_device(self._addresses[0], self._hosts[0][:items], stream)
        if not self._context.execute_async_v3(stream):
            raise self._failure("does not run")
        self._cuda.copy_to_host(self._hosts[1][:items], self._addresses[1], stream)

    def _record(self, items: int) -> int | None:
        """A graph of this batch size; None where there are none, said once in the log."""
        try:
            graph = self._cuda.capture(self._open_stream(), lambda: self._queue(items))
        except BackendError as error:
            _log.warning(
                "the %s engine runs without CUDA graphs, which is slower: %s",
                self._spec.stream,
                error,
            )
            graph = None
        if graph is None:
            self._graphs_wanted = False
        return graph

    def _open_stream(self) -> int:
        if self._stream is None:
            raise BackendError(f"the {self._spec.stream} encoder is closed: open it again")
        return self._stream

    def _failure(self, what: str) -> BackendError:
        return BackendError(
            f"the {self._spec.stream} engine {what} ({self._api.why()}); expected an embedding:"
            " run `headstart engine build --force`"
        )
