"""Is there a GPU, and which? Asked of NVIDIA's driver itself: no Python package is needed.

Function names and error numbers: CUDA Driver API reference, cuda.h.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headstart.runtime.errors import BackendError

DRIVER_LIBRARY = "libcuda.so.1"
_SUCCESS, _NO_DEVICE, _STUB_LIBRARY = 0, 100, 34
_MISMATCH = frozenset({803, 804})
"""CUDA_ERROR_SYSTEM_DRIVER_MISMATCH and _COMPAT_NOT_SUPPORTED_ON_DEVICE."""
_MAJOR, _MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""
_NAME_BYTES = 256


@dataclass(frozen=True, kw_only=True)
class GpuFacts:
    """The first GPU.

    Args:
        name: as the driver calls it, such as ``Orin``.
        compute_capability: such as ``8.7``.
        memory_bytes: all of its memory; on a Jetson this is the machine's.
        driver_cuda: the newest CUDA that the driver serves, such as ``12.6``.
    """

    name: str
    compute_capability: str
    memory_bytes: int
    driver_cuda: str


def find_gpu(load: Callable[[str], Any] = ctypes.CDLL) -> GpuFacts:
    """Ask the driver for its first GPU; no context is made, no memory used on it.

    Args:
        load: opens the driver's library.

    Raises:
        BackendError: no driver, a driver that does not start, or no GPU; each with its remedy.
    """
    try:
        cuda = load(DRIVER_LIBRARY)
    except OSError as error:
        raise BackendError(
            f"there is no NVIDIA driver ({error}); an NVIDIA GPU needs one: install it, in a"
            " container run with `--runtime nvidia` or `--gpus all`, or use --backend onnxruntime"
        ) from error
    _check(cuda.cuInit(0))
    version, count, device = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    _check(cuda.cuDriverGetVersion(ctypes.byref(version)))
    _check(cuda.cuDeviceGetCount(ctypes.byref(count)))
    if count.value == 0:
        _check(_NO_DEVICE)
    _check(cuda.cuDeviceGet(ctypes.byref(device), 0))
    name = ctypes.create_string_buffer(_NAME_BYTES)
    _check(cuda.cuDeviceGetName(name, _NAME_BYTES, device))
    memory = ctypes.c_size_t()
    _check(cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device))
    major, minor = (_attribute(cuda, which, device) for which in (_MAJOR, _MINOR))
    return GpuFacts(
        name=name.value.decode("utf-8", "replace"),
        compute_capability=f"{major}.{minor}",
        memory_bytes=memory.value,
        driver_cuda=f"{version.value // 1000}.{version.value % 1000 // 10}",
    )


def driver_too_old(needed_by: str, found: str = "") -> BackendError:
    """The error for a driver that is older than what was built against it."""
    here = f", which serves CUDA {found}" if found else ""
    return BackendError(
        f"the NVIDIA driver{here}, is too old for {needed_by}: update the driver (on a Jetson:"
        f" JetPack), or install the {needed_by} that belongs to it"
    )


def _attribute(cuda: Any, which: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    _check(cuda.cuDeviceGetAttribute(ctypes.byref(value), which, device))
    return value.value


def _check(code: int) -> None:
    if code == _SUCCESS:
        return
    if code == _NO_DEVICE:
        raise BackendError(
            "the NVIDIA driver sees no GPU; expected one: check CUDA_VISIBLE_DEVICES and"
            " `nvidia-smi`, or use --backend onnxruntime"
        )
    if code == _STUB_LIBRARY:
        raise BackendError(
            f"{DRIVER_LIBRARY} is the stub that programs are linked against, not a driver: take"
            " CUDA's stubs folder out of LD_LIBRARY_PATH"
        )
    if code in _MISMATCH:
        raise BackendError(
            f"the NVIDIA driver's library does not fit its kernel module (CUDA error {code});"
            " expected the same version of both: restart the machine after a driver update"
        )
    raise BackendError(
        f"the NVIDIA driver does not start (CUDA error {code}); expected 0: see `nvidia-smi` and"
        " `dmesg`"
    )
