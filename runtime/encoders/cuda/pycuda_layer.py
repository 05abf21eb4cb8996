"""CUDA through pycuda: the driver API. pycuda offers no graphs."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from headstart.runtime.encoders.cuda.driver import find_gpu
from headstart.runtime.errors import BackendError, MissingDependency

_DEVICE = 0


class PyCudaLayer:
    """See ``CudaLayer``. Uses the primary context, and never ``pycuda.autoinit``: that makes a
    context of its own, in which TensorRT's and torch's memory is unknown.

    Raises:
        MissingDependency: pycuda is not installed.
        BackendError: no driver or no GPU.
    """

    name = "pycuda"

    def __init__(self) -> None:
        self._cuda = _import_driver()
        find_gpu()  # says what is missing better than pycuda does
        self._lock = threading.Lock()
        self._memory: dict[int, Any] = {}
        self._streams: dict[int, Any] = {}
        self._pinned: dict[int, Any] = {}
        self._call(self._cuda.init)
        device = self._call(self._cuda.Device, _DEVICE)
        self._context = self._call(device.retain_primary_context)
        # pycuda's destructor would detach it like a context of its own, which the driver refuses.
        atexit.register(self._context.detach)

    @contextmanager
    def attach(self) -> Iterator[None]:
        """Make the device's primary context current on this thread."""
        self._call(self._context.push)
        try:
            yield
        finally:
            self._cuda.Context.pop()

    def allocate(self, size_bytes: int) -> int:
        """Device memory; its address."""
        memory = self._call(self._cuda.mem_alloc, size_bytes)
        with self._lock:
            self._memory[int(memory)] = memory
        return int(memory)

    def free(self, address: int) -> None:
        """Give device memory back."""
        with self._lock:
            memory = self._memory.pop(address)
        self._call(memory.free)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A page-locked host array."""
        array: NDArray[Any] = self._call(self._cuda.pagelocked_empty, shape, np.dtype(dtype))
        with self._lock:
            self._pinned[array.ctypes.data] = array
        return array

    def free_pinned(self, array: NDArray[Any]) -> None:
        """Give a page-locked array back."""
        with self._lock:
            owner = self._pinned.pop(array.ctypes.data)
        self._call(owner.base.free)

    def open_stream(self) -> int:
        """A stream that does not wait for the default one."""
        # pycuda's flags are those of cuStreamCreate; 1 is CU_STREAM_NON_BLOCKING.
        stream = self._call(self._cuda.Stream, 1)
        with self._lock:
            self._streams[int(stream.handle)] = stream
        return int(stream.handle)

    def close_stream(self, stream: int) -> None:
        """Free a stream: pycuda does so when the last reference goes."""
        with self._lock:
            del self._streams[stream]

    def copy_to_device(self, address: int, source: NDArray[Any], stream: int) -> None:
        """Queue a copy to the device."""
        self._call(self._cuda.memcpy_htod_async, address, source, self._streams[stream])

    def copy_to_host(self, target: NDArray[Any], address: int, stream: int) -> None:
        """Queue a copy from the device."""
        self._call(self._cuda.memcpy_dtoh_async, target, address, self._streams[stream])

    def synchronize(self, stream: int) -> None:
        """Wait for everything queued on the stream."""
        self._call(self._streams[stream].synchronize)

    def capture(self, stream: int, work: Callable[[], None]) -> int | None:
        """None: pycuda has no graphs."""
        return None

    def launch(self, graph: int, stream: int) -> None:
        """Never called: ``capture`` gives no graph."""
        raise BackendError("pycuda has no CUDA graphs; expected no graph to launch")

    def close_graph(self, graph: int) -> None:
        """Never called: ``capture`` gives no graph."""
        raise BackendError("pycuda has no CUDA graphs; expected no graph to close")

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except self._cuda.Error as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            name = getattr(function, "__name__", "a call")
            raise BackendError(
                f"pycuda's {name} failed ({reason}); expected success: check the GPU's free memory"
                " with `nvidia-smi` or `tegrastats`"
            ) from error


def _import_driver() -> Any:
    try:
        import pycuda.driver as driver
    except (ImportError, OSError) as error:
        raise MissingDependency(
            f"pycuda cannot be imported ({error}); TensorRT engines need it or cuda-python: run"
            ' pip install "headstart[pycuda]"'
        ) from error
    return driver
