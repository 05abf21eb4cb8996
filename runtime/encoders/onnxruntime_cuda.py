"""Encoders on ONNX Runtime's CUDA provider: the alternative to TensorRT on a GPU.

Nothing here was ever run on a GPU: see docs/jetson.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.encoders.protocol import EncoderSpec, check_batch
from headstart.runtime.errors import BackendError, MissingDependency

PROVIDER = "CUDAExecutionProvider"
_ERRORS_ONLY = 3
_TYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxRuntimeCudaEncoder:
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
        self._spec = spec
        session = _open_session(model, spec.stream)
        inputs, outputs = session.get_inputs(), session.get_outputs()
        found = [(_TYPES.get(v.type), tuple(v.shape[1:])) for v in (*inputs, *outputs)]
        expected = [(spec.input_dtype, spec.input_shape), ("float32", (spec.dim,))]
        if found != expected:
            raise BackendError(
                f"the {spec.stream} model takes and gives {found}; expected {expected} after the"
                " batch axis: run `headstart bundle verify`"
            )
        self._input = inputs[0].name
        self._session: Any | None = session

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder takes and gives."""
        return self._spec

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Embed ``(batch, *input_shape)`` as float32 ``(batch, dim)``; the caller owns the result.

        Raises:
            ShapeError: the batch does not fit ``spec``.
            BackendError: ONNX Runtime failed, or the encoder is closed.
        """
        check_batch(batch, self._spec)
        if self._session is None:
            raise BackendError(
                f"the {self._spec.stream} encoder is closed; expected an open one: open it again"
            )
        try:
            result: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        except Exception as error:
            raise BackendError(
                f"ONNX Runtime failed in the {self._spec.stream} encoder ({_first_line(error)});"
                " expected an embedding: check the GPU's free memory"
            ) from error
        return result

    def close(self) -> None:
        """Free the model; safe to call twice."""
        self._session = None


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


def _open_session(model: bytes, stream: str) -> Any:
    reason = cuda_provider_reason()
    if reason is not None:
        raise MissingDependency(f"the cuda backend cannot start: {reason}")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(
            model, options, providers=[PROVIDER, "CPUExecutionProvider"]
        )
    except Exception as error:
        raise BackendError(
            f"ONNX Runtime refuses the {stream} model ({_first_line(error)}); expected an ONNX"
            " file of this bundle: run `headstart bundle verify`"
        ) from error
    # ONNX Runtime only warns when the provider does not start, and runs on the CPU.
    if session.get_providers()[0] != PROVIDER:
        raise BackendError(
            f"ONNX Runtime's CUDA provider does not start for {stream}; expected a driver, CUDA and"
            " cuDNN of the versions that this onnxruntime-gpu was built for: check"
            " `nvidia-smi`, or use --backend onnxruntime"
        )
    return session


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
