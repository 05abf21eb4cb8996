from __future__ import annotations

from types import SimpleNamespace

import pytest

from headstart.runtime.encoders.cuda.driver import GpuFacts
from headstart.runtime.engines.key import ANY_GPU, EngineTarget
from headstart.runtime.engines.target import find_target
from headstart.runtime.engines.tensorrt_api import MessageLog, TensorRt
from headstart.runtime.errors import BackendError

ORIN = GpuFacts(name="Orin", compute_capability="8.7", memory_bytes=8 << 30, driver_cuda="12.6")


def api(flavour: str) -> TensorRt:
    return TensorRt(
        module=SimpleNamespace(),
        flavour=flavour,
        version="10.3.0",
        logger=None,
        messages=MessageLog(),
    )


def no_gpu() -> GpuFacts:
    raise BackendError("there is no NVIDIA driver")


@pytest.mark.parametrize("flavour", ["tensorrt", "tensorrt_rtx"])
def test_the_target_is_tensorrt_and_gpu_of_this_machine(flavour: str) -> None:
    assert find_target(api(flavour), lambda: ORIN) == EngineTarget(
        flavour=flavour, version="10.3.0", gpu="Orin", compute_capability="8.7"
    )


def test_without_a_gpu_rtx_builds_for_any() -> None:
    assert find_target(api("tensorrt_rtx"), no_gpu).gpu == ANY_GPU


def test_without_a_gpu_the_full_tensorrt_has_no_target() -> None:
    with pytest.raises(BackendError, match="no NVIDIA driver"):
        find_target(api("tensorrt"), no_gpu)
