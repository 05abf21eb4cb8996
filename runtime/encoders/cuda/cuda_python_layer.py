"""CUDA through NVIDIA's own cuda-python, version 12 or newer: its runtime API.

Names, arguments and error numbers: CUDA Runtime API reference; every function of cuda-python
returns a tuple that starts with the error.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from headstart.runtime.encoders.cuda.driver import driver_too_old
from headstart.runtime.errors import BackendError, MissingDependency

_INSUFFICIENT_DRIVER, _NO_DEVICE = 35, 100
_DEVICE = 0


class CudaPythonLayer:
    """See ``CudaLayer``. The runtime API attaches a thread to the primary context by itself.

    Raises:
        MissingDependency: cuda-python is not installed.
        BackendError: no driver, no GPU, or a driver older than cuda-python.
    """

    name = "cuda-python"

    def __init__(self) -> None:
        self._cuda = _import_runtime()
        self._lock = threading.Lock()
        self._streams: dict[int, Any] = {}
        self._graphs: dict[int, Any] = {}
        self._pinned: dict[int, int] = {}
        self._call("cudaSetDevice", _DEVICE)

    @contextmanager
    def attach(self) -> Iterator[None]:
        """Make the device's primary context current on this thread."""
        self._call("cudaSetDevice", _DEVICE)
        yield

    def allocate(self, size_bytes: int) -> int:
        """Device memory; its address."""
        return int(self._call("cudaMalloc", size_bytes))

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._call("cudaFree", address)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A page-locked host array."""
        kind = np.dtype(dtype)
        size_bytes = int(np.prod(shape)) * kind.itemsize
        address = int(self._call("cudaHostAlloc", size_bytes, self._cuda.cudaHostAllocDefault))
        memory: Any = (ctypes.c_byte * size_bytes).from_address(address)
        array: NDArray[Any] = np.ndarray(shape, kind, buffer=memory)
        with self._lock:
            self._pinned[array.ctypes.data] = address
        return array

    def free_pinned(self, array: NDArray[Any]) -> None:
        """Give a page-locked array back."""
        with self._lock:
            address = self._pinned.pop(array.ctypes.data)
        self._call("cudaFreeHost", address)

    def open_stream(self) -> int:
        """A stream that does not wait for the default one."""
        stream = self._call("cudaStreamCreateWithFlags", self._cuda.cudaStreamNonBlocking)
        with self._lock:
            self._streams[int(stream)] = stream
        return int(stream)

    def close_stream(self, stream: int) -> None:
        """Free a stream."""
        with self._lock:
            handle = self._streams.pop(stream)
        self._call("cudaStreamDestroy", handle)

    def copy_to_device(self, address: int, source: NDArray[Any], stream: int) -> None:
        """Queue a copy to the device."""
        self._copy(address, source.ctypes.data, source.nbytes, "HostToDevice", stream)

    def copy_to_host(self, target: NDArray[Any], address: int, stream: int) -> None:
        """Queue a copy from the device."""
        self._copy(target.ctypes.data, address, target.nbytes, "DeviceToHost", stream)

    def synchronize(self, stream: int) -> None:
        """Wait for everything queued on the stream."""
        self._call("cudaStreamSynchronize", self._streams[stream])

    def capture(self, stream: int, work: Callable[[], None]) -> int | None:
        """Record what ``work`` queues on the stream."""
        handle = self._streams[stream]
        # Thread-local: other threads may allocate meanwhile without breaking the recording.
        mode = self._cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call("cudaStreamBeginCapture", handle, mode)
        try:
            work()
        except BaseException:
            # Leaves the stream usable; the recording, if any, is worthless.
            self._cuda.cudaStreamEndCapture(handle)
            raise
        recorded = self._call("cudaStreamEndCapture", handle)
        try:
            graph = self._call("cudaGraphInstantiate", recorded, 0)
        finally:
            self._call("cudaGraphDestroy", recorded)
        with self._lock:
            self._graphs[int(graph)] = graph
        return int(graph)

    def launch(self, graph: int, stream: int) -> None:
        """Queue a recorded graph."""
        self._call("cudaGraphLaunch", self._graphs[graph], self._streams[stream])

    def close_graph(self, graph: int) -> None:
        """Free a recorded graph."""
        with self._lock:
            handle = self._graphs.pop(graph)
        self._call("cudaGraphExecDestroy", handle)

    def _copy(self, target: int, source: int, size_bytes: int, way: str, stream: int) -> None:
        kind = getattr(self._cuda.cudaMemcpyKind, f"cudaMemcpy{way}")
        handle = self._streams[stream]
        self._call("cudaMemcpyAsync", target, source, size_bytes, kind, handle)

    def _call(self, function: str, *arguments: Any) -> Any:
        error, *results = getattr(self._cuda, function)(*arguments)
        code = int(error)
        if code == 0:
            return results[0] if results else None
        if code == _INSUFFICIENT_DRIVER:
            raise driver_too_old("cuda-python", self._driver_version())
        reason = getattr(error, "name", str(error))
        if code == _NO_DEVICE:
            raise BackendError(
                f"CUDA finds no GPU ({reason}); expected one: check CUDA_VISIBLE_DEVICES"
            )
        raise BackendError(
            f"{function} failed ({reason}); expected success: check the GPU's free memory with"
            " `nvidia-smi` or `tegrastats`"
        )

    def _driver_version(self) -> str:
        error, version = self._cuda.cudaDriverGetVersion()
        return f"{version // 1000}.{version % 1000 // 10}" if int(error) == 0 and version else ""


def _import_runtime() -> Any:
    """cuda-python moved its modules in 12.6 and dropped the old names in 13."""
    try:
        try:
            from cuda.bindings import runtime
        except ModuleNotFoundError:
            from cuda import cudart as runtime
    except (ImportError, OSError, RuntimeError) as error:
        raise MissingDependency(
            f"cuda-python cannot be imported ({error}); TensorRT engines need it or pycuda: run"
            ' pip install "headstart[tensorrt]"'
        ) from error
    return runtime
