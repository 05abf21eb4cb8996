"""Encoders on ONNX Runtime's CUDA provider: the alternative to TensorRT on a GPU.

Nothing here was ever run on a GPU: see docs/jetson.md.
"""

from __future__ import annotations

from typing import Any

from headstart.runtime.encoders.onnx_session import (
    ERRORS_ONLY,
    OnnxSessionEncoder,
    open_session,
)
from headstart.runtime.encoders.protocol import EncoderSpec
from headstart.runtime.errors import BackendError, MissingDependency

PROVIDER = "CUDAExecutionProvider"


class OnnxRuntimeCudaEncoder(OnnxSessionEncoder):
    """One encoder in one ONNX Runtime session on the GPU.

    ``encode`` may be called from several threads at once; ``close`` must not run beside it.

    Args:
        model: the ONNX file's bytes, in FP32 or FP16.
        spec: what the model is expected to take and give; checked when it is opened.

    Raises:
        BackendError: the provider does not start, or the model is not what ``spec`` says.
        MissingDependency: ONNX Runtime's GPU build is not installed.
    """

    def __init__(self, model: bytes, spec: EncoderSpec) -> None:
        session = _open_gpu_session(model, spec.stream)
        super().__init__(session, spec, items_a_run=None, short_of="the GPU's free memory")


def cuda_provider_reason() -> str | None:
    """Why ONNX Runtime's CUDA provider cannot be used; None where it is offered."""
    try:
        import onnxruntime
    except ImportError as error:
        return f"ONNX Runtime cannot be imported ({error})"
    if PROVIDER in onnxruntime.get_available_providers():
        return None
    return (
        "this build of ONNX Runtime has no CUDA provider; replace it: pip uninstall onnxruntime,"
        " then pip install onnxruntime-gpu (on a Jetson, NVIDIA's wheel for its JetPack)"
    )


def _open_gpu_session(model: bytes, stream: str) -> Any:
    reason = cuda_provider_reason()
    if reason is not None:
        raise MissingDependency(f"the cuda backend cannot start: {reason}")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    session = open_session(model, stream, options, [PROVIDER, "CPUExecutionProvider"])
    # ONNX Runtime only warns when the provider does not start, and runs on the CPU.
    if session.get_providers()[0] != PROVIDER:
        raise BackendError(
            f"ONNX Runtime's CUDA provider does not start for {stream}; expected a driver, CUDA and"
            " cuDNN of the versions that this onnxruntime-gpu was built for: check"
            " `nvidia-smi`, or use --backend onnxruntime"
        )
    return session
