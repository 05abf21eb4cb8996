"""An encoder in one ONNX Runtime session, whatever provider runs it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.encoders.protocol import EncoderSpec, check_batch
from headstart.runtime.errors import BackendError, first_line

ERRORS_ONLY = 3
"""ONNX Runtime's log level; what goes wrong reaches the caller as an error."""

_TYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


class OnnxSessionEncoder:
    """Runs an opened session.

    ``encode`` may be called from several threads at once; ``close`` must not run beside it.

    Args:
        session: an ``onnxruntime.InferenceSession``.
        spec: what the model is expected to take and give.
        items_a_run: how many items go through at a time; None is the whole batch.
        short_of: what to check when a run fails, such as ``the machine's free memory``.

    Raises:
        BackendError: the model is not what ``spec`` says.
    """

    def __init__(
        self, session: Any, spec: EncoderSpec, *, items_a_run: int | None, short_of: str
    ) -> None:
        self._spec = spec
        self._input = _input_name(session, spec)
        self._items_a_run = items_a_run
        self._short_of = short_of
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
        step = self._items_a_run or len(batch)
        out = np.empty((len(batch), self._spec.dim), np.float32)
        for at in range(0, len(batch), step):
            try:
                out[at : at + step] = self._session.run(None, {self._input: batch[at : at + step]})[
                    0
                ]
            except Exception as error:
                raise BackendError(
                    f"ONNX Runtime failed in the {self._spec.stream} encoder"
                    f" ({first_line(error)}); expected an embedding: check {self._short_of}"
                ) from error
        return out

    def close(self) -> None:
        """Free the model; safe to call twice."""
        self._session = None


def open_session(model: Any, stream: str, options: Any, providers: list[str]) -> Any:
    """An ``onnxruntime.InferenceSession`` of a file's path or bytes.

    Raises:
        BackendError: ONNX Runtime refuses the model.
    """
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(model, options, providers=providers)
    except Exception as error:
        raise BackendError(
            f"ONNX Runtime refuses the {stream} model ({first_line(error)}); expected an ONNX"
            " file of this bundle: run `headstart bundle verify`"
        ) from error


def _input_name(session: Any, spec: EncoderSpec) -> str:
    """The input's name, once the model is seen to fit ``spec``."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shapes = [tuple(value.shape[1:]) for value in (*inputs, *outputs)]
    types = [_TYPES.get(value.type) for value in (*inputs, *outputs)]
    expected = [spec.input_shape, (spec.dim,)], [spec.input_dtype, "float32"]
    if (shapes, types) != expected or len(inputs) != 1:
        raise BackendError(
            f"the {spec.stream} model takes and gives {types} {shapes}; expected {expected[1]}"
            f" {expected[0]} after the batch axis: run `headstart bundle verify`"
        )
    name: str = inputs[0].name
    return name
