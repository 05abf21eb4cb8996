from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from headstart.runtime.encoders.cuda.driver import driver_too_old, find_gpu
from headstart.runtime.errors import BackendError


class StandInLibrary:
    """Answers like libcuda through ctypes' pointers."""

    def __init__(self, *, init: int = 0, devices: int = 1, version: int = 12060) -> None:
        self.init, self.devices, self.version = init, devices, version

    def cuInit(self, flags: int) -> int:
        return self.init

    def cuDriverGetVersion(self, found: Any) -> int:
        found._obj.value = self.version
        return 0

    def cuDeviceGetCount(self, found: Any) -> int:
        found._obj.value = self.devices
        return 0

    def cuDeviceGet(self, found: Any, ordinal: int) -> int:
        return 0

    def cuDeviceGetName(self, name: Any, size: int, device: Any) -> int:
        name.value = b"Orin"
        return 0

    def cuDeviceTotalMem_v2(self, found: Any, device: Any) -> int:
        found._obj.value = 8 << 30
        return 0

    def cuDeviceGetAttribute(self, found: Any, which: int, device: Any) -> int:
        found._obj.value = {75: 8, 76: 7}[which]
        return 0


def loads(library: StandInLibrary) -> Callable[[str], Any]:
    return lambda name: library


def test_the_first_gpu_is_described() -> None:
    gpu = find_gpu(loads(StandInLibrary()))
    assert (gpu.name, gpu.compute_capability, gpu.driver_cuda) == ("Orin", "8.7", "12.6")
    assert gpu.memory_bytes == 8 << 30


def test_no_driver_is_a_message_of_its_own() -> None:
    def absent(name: str) -> Any:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    with pytest.raises(
        BackendError, match=r"there is no NVIDIA driver \(libcuda.so.1: .*--gpus all"
    ):
        find_gpu(absent)


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (StandInLibrary(init=100), "the NVIDIA driver sees no GPU; .*CUDA_VISIBLE_DEVICES"),
        (StandInLibrary(devices=0), "the NVIDIA driver sees no GPU"),
        (StandInLibrary(init=34), "is the stub that programs are linked against, not a driver"),
        (StandInLibrary(init=803), "does not fit its kernel module .*restart the machine"),
        (StandInLibrary(init=999), r"does not start \(CUDA error 999\); .*dmesg"),
    ],
    ids=["no device", "hidden devices", "stub", "mismatch", "other"],
)
def test_each_trouble_has_its_own_remedy(library: StandInLibrary, words: str) -> None:
    with pytest.raises(BackendError, match=words):
        find_gpu(loads(library))


def test_a_driver_that_is_too_old_names_what_needs_a_newer_one() -> None:
    assert "which serves CUDA 11.4, is too old for tensorrt 10.3.0: update" in str(
        driver_too_old("tensorrt 10.3.0", "11.4")
    )


def test_this_machine_has_no_driver_or_answers_in_full() -> None:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        with pytest.raises(BackendError, match="there is no NVIDIA driver"):
            find_gpu()
    else:
        assert find_gpu().name
