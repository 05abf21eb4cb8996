"""From a plan's bytes to a loaded engine whose tensors are what the bundle promised."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

from headstart.runtime.encoders.cuda.driver import driver_too_old
from headstart.runtime.encoders.protocol import EncoderSpec
from headstart.runtime.engines.tensorrt_api import TensorRt
from headstart.runtime.errors import BackendError

# Names of TensorRT's DataType members; the same in every version.
_DTYPES = {"UINT8": "uint8", "FLOAT": "float32"}
_TOO_OLD = ("cudaError 35", "error: 35", "driver version is insufficient")


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedEngine:
    """A deserialized engine with one input and one output.

    Args:
        engine: TensorRT's ``ICudaEngine``; thread-safe for making contexts.
        input: the input's name.
        output: the output's name.
        max_batch: the greatest batch that its optimization profile allows.
    """

    engine: Any
    input: str
    output: str
    max_batch: int


def load_engine(plan: bytes, spec: EncoderSpec, api: TensorRt) -> LoadedEngine:
    """Deserialize a plan and compare its tensors with ``spec``; a CUDA context must be current.

    Raises:
        BackendError: TensorRT refuses the plan, or it is not what ``spec`` says.
    """
    api.messages.take()
    engine = api.module.Runtime(api.logger).deserialize_cuda_engine(plan)
    if engine is None:
        reason = api.why()
        if any(sign in reason for sign in _TOO_OLD):
            raise driver_too_old(str(api))
        raise BackendError(
            f"{api} refuses the {spec.stream} engine ({reason}); expected one that this very"
            " version built on this very GPU: run `headstart engine build --force`"
        )
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    input_mode = api.module.TensorIOMode.INPUT
    inputs = [name for name in names if engine.get_tensor_mode(name) == input_mode]
    outputs = [name for name in names if name not in inputs]
    _check_tensors(engine, inputs, outputs, spec)
    largest = engine.get_tensor_profile_shape(inputs[0], 0)[2]
    return LoadedEngine(
        engine=engine, input=inputs[0], output=outputs[0], max_batch=int(tuple(largest)[0])
    )


def create_context(loaded: LoadedEngine, stream: str, api: TensorRt) -> Any:
    """An execution context of its own; contexts of one engine share its weights.

    Raises:
        BackendError: TensorRT has no memory for it.
    """
    api.messages.take()
    context = loaded.engine.create_execution_context()
    if context is None:
        # A context that was dropped but not yet collected holds its scratch memory.
        gc.collect()
        context = loaded.engine.create_execution_context()
    if context is None:
        raise BackendError(
            f"{api} makes no execution context for the {stream} engine ({api.why()}); expected"
            " enough GPU memory: close other programs, or build with a smaller workspace"
        )
    return context


def _check_tensors(engine: Any, inputs: list[str], outputs: list[str], spec: EncoderSpec) -> None:
    found = [
        (
            _DTYPES.get(engine.get_tensor_dtype(name).name, engine.get_tensor_dtype(name).name),
            tuple(engine.get_tensor_shape(name))[1:],
        )
        for name in (*inputs, *outputs)
    ]
    expected = [(spec.input_dtype, spec.input_shape), ("float32", (spec.dim,))]
    if found != expected or len(inputs) != 1:
        raise BackendError(
            f"the {spec.stream} engine takes and gives {found}; expected {expected} after the"
            " batch axis: run `headstart engine build --force`"
        )
