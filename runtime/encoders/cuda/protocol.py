"""What the TensorRT backend asks of CUDA: memory, copies, streams, graphs. One Protocol, two
implementations, and one over ordinary memory for tests.

All of them use the device's *primary* context, which TensorRT, torch and ONNX Runtime use too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray


class CudaLayer(Protocol):
    """CUDA for one device. Every call but ``attach`` must run inside ``with layer.attach():``.

    Layers may be used by several threads; a stream and the buffers used on it, by one at a time.
    """

    @property
    def name(self) -> str:
        """The Python package behind it."""
        ...

    def attach(self) -> AbstractContextManager[None]:
        """Make the device's primary context current on this thread for the block."""
        ...

    def allocate(self, size_bytes: int) -> int:
        """Device memory; its address.

        Raises:
            BackendError: there is not enough.
        """
        ...

    def free(self, address: int) -> None:
        """Give device memory back."""
        ...

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A page-locked host array: copies from and to it need not wait.

        Raises:
            BackendError: there is not enough memory.
        """
        ...

    def free_pinned(self, array: NDArray[Any]) -> None:
        """Give a page-locked array back; it must not be used afterwards."""
        ...

    def open_stream(self) -> int:
        """A stream that does not wait for the default one; its handle."""
        ...

    def close_stream(self, stream: int) -> None:
        """Free a stream."""
        ...

    def copy_to_device(self, address: int, source: NDArray[Any], stream: int) -> None:
        """Queue a copy of a contiguous page-locked array; returns at once."""
        ...

    def copy_to_host(self, target: NDArray[Any], address: int, stream: int) -> None:
        """Queue a copy into a contiguous page-locked array; returns at once."""
        ...

    def synchronize(self, stream: int) -> None:
        """Wait until everything queued on the stream is done.

        Raises:
            BackendError: something queued on it failed.
        """
        ...

    def capture(self, stream: int, work: Callable[[], None]) -> int | None:
        """Record what ``work`` queues, instead of running it; None where graphs are not offered.

        Raises:
            BackendError: the work cannot be recorded.
        """
        ...

    def launch(self, graph: int, stream: int) -> None:
        """Queue a recorded graph."""
        ...

    def close_graph(self, graph: int) -> None:
        """Free a recorded graph."""
        ...
