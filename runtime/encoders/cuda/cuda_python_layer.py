"""CUDA through NVIDIA's own cuda-python, version 12 or newer: its driver API.

Not its runtime API: that refuses any driver older than cuda-python itself, and cuda-python 13 on a
Jetson with CUDA 12.6 is the ordinary case. Names and arguments: CUDA Driver API reference; every
function of cuda-python returns a tuple that starts with the error.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from headstart.runtime.encoders.cuda.driver import driver_too_old, find_gpu
from headstart.runtime.errors import BackendError, MissingDependency

_DEVICE = 0
_NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING."""


class CudaPythonLayer:
    """See ``CudaLayer``.

    Raises:
        MissingDependency: cuda-python is not installed.
        BackendError: no driver or no GPU.
    """

    name = "cuda-python"

    def __init__(self) -> None:
        self._cuda = _import_driver()
        self._facts = find_gpu()  # says what is missing better than cuda-python does
        self._lock = threading.Lock()
        self._streams: dict[int, Any] = {}
        self._graphs: dict[int, Any] = {}
        self._call("cuInit", 0)
        self._context = self._call("cuDevicePrimaryCtxRetain", self._call("cuDeviceGet", _DEVICE))

    @contextmanager
    def attach(self) -> Iterator[None]:
        """Make the device's primary context current on this thread."""
        self._call("cuCtxPushCurrent", self._context)
        try:
            yield
        finally:
            self._call("cuCtxPopCurrent")

    def allocate(self, size_bytes: int) -> int:
        """Device memory; its address."""
        return int(self._call("cuMemAlloc", size_bytes))

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._call("cuMemFree", address)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A page-locked host array."""
        kind = np.dtype(dtype)
        size_bytes = int(np.prod(shape)) * kind.itemsize
        address = int(self._call("cuMemHostAlloc", size_bytes, 0))
        memory: Any = (ctypes.c_byte * size_bytes).from_address(address)
        array: NDArray[Any] = np.ndarray(shape, kind, buffer=memory)
        return array

    def free_pinned(self, array: NDArray[Any]) -> None:
        """Give a page-locked array back."""
        self._call("cuMemFreeHost", array.ctypes.data)

    def open_stream(self) -> int:
        """A stream that does not wait for the default one."""
        stream = self._call("cuStreamCreate", _NON_BLOCKING)
        with self._lock:
            self._streams[int(stream)] = stream
        return int(stream)

    def close_stream(self, stream: int) -> None:
        """Free a stream."""
        with self._lock:
            handle = self._streams.pop(stream)
        self._call("cuStreamDestroy", handle)

    def copy_to_device(self, address: int, source: NDArray[Any], stream: int) -> None:
        """Queue a copy to the device."""
        handle = self._streams[stream]
        self._call("cuMemcpyHtoDAsync", address, source.ctypes.data, source.nbytes, handle)

    def copy_to_host(self, target: NDArray[Any], address: int, stream: int) -> None:
        """Queue a copy from the device."""
        handle = self._streams[stream]
        self._call("cuMemcpyDtoHAsync", target.ctypes.data, address, target.nbytes, handle)

    def synchronize(self, stream: int) -> None:
        """Wait for everything queued on the stream."""
        self._call("cuStreamSynchronize", self._streams[stream])

    def capture(self, stream: int, work: Callable[[], None]) -> int | None:
        """Record what ``work`` queues on the stream."""
        handle = self._streams[stream]
        # Thread-local: other threads may allocate meanwhile without breaking the recording.
        mode = self._cuda.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._call("cuStreamBeginCapture", handle, mode)
        try:
            work()
        except BaseException:
            # Leaves the stream usable; the recording, if any, is worthless.
            self._cuda.cuStreamEndCapture(handle)
            raise
        recorded = self._call("cuStreamEndCapture", handle)
        try:
            graph = self._call("cuGraphInstantiate", recorded, 0)
        finally:
            self._call("cuGraphDestroy", recorded)
        with self._lock:
            self._graphs[int(graph)] = graph
        return int(graph)

    def launch(self, graph: int, stream: int) -> None:
        """Queue a recorded graph."""
        self._call("cuGraphLaunch", self._graphs[graph], self._streams[stream])

    def close_graph(self, graph: int) -> None:
        """Free a recorded graph."""
        with self._lock:
            handle = self._graphs.pop(graph)
        self._call("cuGraphExecDestroy", handle)

    def _call(self, function: str, *arguments: Any) -> Any:
        try:
            error, *results = getattr(self._cuda, function)(*arguments)
        except RuntimeError as missing:
            # cuda-python raises where the driver lacks a function altogether.
            raise driver_too_old(f"cuda-python's {function}", self._facts.driver_cuda) from missing
        if int(error) == 0:
            return results[0] if results else None
        reason = getattr(error, "name", str(error))
        raise BackendError(
            f"{function} failed ({reason}); expected success: check the GPU's free memory with"
            " `nvidia-smi` or `tegrastats`"
        )


def _import_driver() -> Any:
    """cuda-python moved its modules in 12.6 and dropped the old names in 13."""
    try:
        try:
            from cuda.bindings import driver
        except ModuleNotFoundError:
            from cuda import cuda as driver
    except (ImportError, OSError, RuntimeError) as error:
        raise MissingDependency(
            f"cuda-python cannot be imported ({error}); TensorRT engines need it or pycuda: run"
            ' pip install "headstart[tensorrt]"'
        ) from error
    return driver
