"""The last look at a built engine before it is kept: does it load, and does it say the same?"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from headstart.export.engines.request import EngineRequest
from headstart.export.parity import require_parity
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.cuda.opening import open_cuda
from headstart.runtime.encoders.onnxruntime import OnnxRuntimeEncoder, encoder_spec
from headstart.runtime.encoders.tensorrt import TensorRtEncoder
from headstart.runtime.engines.key import ANY_GPU
from headstart.runtime.engines.tensorrt_api import TensorRt

_COSINE = {"fp32": 0.999, "fp16": 0.995, "int8": 0.95}
"""Far below what each precision reaches: here only wrong engines fail; the gate judges quality."""
_ITEMS = 2


class Acceptance(Protocol):
    """Judges a plan; what it says is kept in the engine's record."""

    def __call__(self, plan: bytes, request: EngineRequest, bundle: Bundle, api: TensorRt) -> str:
        """What was found.

        Raises:
            HeadstartError: the engine must not be kept.
        """
        ...


def accept_loaded(plan: bytes, request: EngineRequest, bundle: Bundle, api: TensorRt) -> str:
    """Load the engine and compare it with ONNX Runtime's FP32 on two inputs from a formula.

    Raises:
        ArtifactError: it says something else.
        BackendError: it does not load or run.
        MissingDependency: neither cuda-python nor pycuda is installed.
    """
    if request.key.target.gpu == ANY_GPU:
        return "not loaded: built without a GPU"
    stream = request.key.stream
    spec = encoder_spec(bundle, stream)
    batch = _inputs(spec.input_shape, spec.input_dtype)
    reference = OnnxRuntimeEncoder(bundle.model(stream), spec)
    encoder = TensorRtEncoder(plan, spec, api=api, cuda=open_cuda())
    try:
        parity = require_parity(
            f"the {request.key.precision} engine of {stream}",
            reference.encode(batch),
            encoder.encode(batch),
            cosine=_COSINE[request.key.precision],
        )
    finally:
        encoder.close()
        reference.close()
    return f"loaded, against ONNX Runtime FP32: {parity}"


def _inputs(shape: tuple[int, ...], dtype: str) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Neither constant nor noise: waves that differ by item."""
    at = np.arange(int(np.prod(shape)), dtype=np.float64)
    waves = np.stack([np.sin(at * (item + 1) * 0.037) for item in range(_ITEMS)])
    waves = waves.reshape(_ITEMS, *shape)
    if dtype == "uint8":
        return (127.5 + 127.0 * waves).astype(np.uint8)
    return (0.5 * waves).astype(np.float32)
