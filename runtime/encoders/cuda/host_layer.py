"""A CUDA layer over ordinary memory, for tests and for machines without a GPU.

As on a GPU, what is queued on a stream happens later: here, all of it when the stream is waited
for. Whoever reads too early reads the old content.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from headstart.runtime.errors import BackendError

Work = Callable[[], None]


class HostLayer:
    """See ``CudaLayer``; ``queue`` stands for a kernel launch. Counts what is still allocated."""

    name = "host"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handles = count(1)
        self._attached = threading.local()
        self.memory: dict[int, NDArray[np.uint8]] = {}
        self.pinned_arrays: dict[int, NDArray[Any]] = {}
        self.streams: dict[int, list[Work]] = {}
        self.graphs: dict[int, list[Work]] = {}
        self._recording: dict[int, list[Work]] = {}

    @contextmanager
    def attach(self) -> Iterator[None]:
        """Allow this thread to use the layer for the block."""
        depth = getattr(self._attached, "depth", 0)
        self._attached.depth = depth + 1
        try:
            yield
        finally:
            self._attached.depth = depth

    def allocate(self, size_bytes: int) -> int:
        """Memory filled with 255, so that nothing looks right by chance."""
        self._check_attached()
        block = np.full(size_bytes, 255, np.uint8)
        with self._lock:
            self.memory[block.ctypes.data] = block
        return int(block.ctypes.data)

    def free(self, address: int) -> None:
        """Give memory back."""
        self._check_attached()
        del self.memory[address]

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An ordinary array."""
        self._check_attached()
        array = np.zeros(shape, dtype)
        with self._lock:
            self.pinned_arrays[array.ctypes.data] = array
        return array

    def free_pinned(self, array: NDArray[Any]) -> None:
        """Give an array back."""
        self._check_attached()
        del self.pinned_arrays[array.ctypes.data]

    def open_stream(self) -> int:
        """An empty queue."""
        self._check_attached()
        with self._lock:
            stream = next(self._handles)
            self.streams[stream] = []
        return stream

    def close_stream(self, stream: int) -> None:
        """Drop a queue."""
        self._check_attached()
        del self.streams[stream]

    def queue(self, stream: int, work: Work) -> None:
        """Put work on a stream."""
        self._check_attached()
        recording = self._recording.get(stream)
        (self.streams[stream] if recording is None else recording).append(work)

    def copy_to_device(self, address: int, source: NDArray[Any], stream: int) -> None:
        """Queue a copy."""
        self.queue(stream, partial(_move, address, source.ctypes.data, source.nbytes))

    def copy_to_host(self, target: NDArray[Any], address: int, stream: int) -> None:
        """Queue a copy."""
        self.queue(stream, partial(_move, target.ctypes.data, address, target.nbytes))

    def synchronize(self, stream: int) -> None:
        """Do everything that was queued."""
        self._check_attached()
        waiting, self.streams[stream] = self.streams[stream], []
        for work in waiting:
            work()

    def capture(self, stream: int, work: Work) -> int | None:
        """Record what ``work`` queues."""
        self._recording[stream] = []
        try:
            work()
        finally:
            recorded = self._recording.pop(stream)
        with self._lock:
            graph = next(self._handles)
            self.graphs[graph] = recorded
        return graph

    def launch(self, graph: int, stream: int) -> None:
        """Queue what was recorded."""
        for work in self.graphs[graph]:
            self.queue(stream, work)

    def close_graph(self, graph: int) -> None:
        """Drop a recording."""
        del self.graphs[graph]

    def _check_attached(self) -> None:
        if not getattr(self._attached, "depth", 0):
            raise BackendError("no context is current on this thread; expected `with attach()`")


def _move(target: int, source: int, size_bytes: int) -> None:
    ctypes.memmove(target, source, size_bytes)
