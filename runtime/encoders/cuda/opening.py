"""One table to choose the CUDA layer from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headstart.runtime.encoders.cuda.cuda_python_layer import CudaPythonLayer
from headstart.runtime.encoders.cuda.driver import find_gpu
from headstart.runtime.encoders.cuda.protocol import CudaLayer
from headstart.runtime.encoders.cuda.pycuda_layer import PyCudaLayer
from headstart.runtime.errors import ConfigError, MissingDependency

CUDA_LAYERS: Mapping[str, Callable[[], CudaLayer]] = {
    "cuda-python": CudaPythonLayer,
    "pycuda": PyCudaLayer,
}
"""Name → implementation, the one to prefer first: cuda-python also has graphs."""


def open_cuda(name: str = "auto") -> CudaLayer:
    """Open CUDA.

    Args:
        name: out of `CUDA_LAYERS`; ``auto`` is the first that is installed.

    Raises:
        BackendError: no driver, no GPU, or a driver that is too old.
        MissingDependency: neither package is installed, or not the one asked for.
        ConfigError: another name.
    """
    if name != "auto" and name not in CUDA_LAYERS:
        raise ConfigError(
            f"there is no CUDA layer {name!r}; expected one of auto, {', '.join(CUDA_LAYERS)}"
        )
    find_gpu()
    if name != "auto":
        return CUDA_LAYERS[name]()
    for open_layer in CUDA_LAYERS.values():
        try:
            return open_layer()
        except MissingDependency:
            continue
    raise MissingDependency(
        "neither cuda-python nor pycuda can be imported; TensorRT engines need one of them: run"
        ' pip install "headstart[tensorrt]" or pip install "headstart[pycuda]"'
    )
