"""What engines of this machine are built with and for."""

from __future__ import annotations

from collections.abc import Callable

from headstart.runtime.encoders.cuda.driver import GpuFacts, find_gpu
from headstart.runtime.engines.key import ANY_GPU, EngineTarget
from headstart.runtime.engines.tensorrt_api import TensorRt
from headstart.runtime.errors import BackendError


def find_target(api: TensorRt, gpu: Callable[[], GpuFacts] = find_gpu) -> EngineTarget:
    """This machine's TensorRT and GPU.

    TensorRT for RTX can build without a GPU, for any GPU; the full TensorRT cannot.

    Raises:
        BackendError: there is no GPU or driver, and the full TensorRT needs one.
    """
    try:
        facts = gpu()
    except BackendError:
        if not api.is_rtx:
            raise
        name = capability = ANY_GPU
    else:
        name, capability = facts.name, facts.compute_capability
    return EngineTarget(
        flavour=api.flavour, version=api.version, gpu=name, compute_capability=capability
    )
