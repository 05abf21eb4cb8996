"""An encoder that can be exchanged while others use it: the CPU serves, then the engine."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.encoders.protocol import Encoder, EncoderSpec
from headstart.runtime.errors import BackendError


class SwappingEncoder:
    """Passes every call to the present encoder. All methods may be called from several threads.

    A call that has begun ends on the encoder it began with; that encoder is closed when its last
    call has ended. So no call is lost, and none runs on a closed encoder.

    Args:
        first: serves until the first swap; closed by the swap or by ``close``.
    """

    def __init__(self, first: Encoder) -> None:
        self._lock = threading.Lock()
        self._present: Encoder | None = first
        self._calls: dict[int, int] = {id(first): 0}
        self._spec = first.spec

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder takes and gives; a swap never changes it."""
        return self._spec

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Embed ``(batch, *input_shape)`` as float32 ``(batch, dim)``; the caller owns the result.

        Raises:
            ShapeError: the batch does not fit ``spec``.
            BackendError: the encoder failed, or is closed.
        """
        with self._lock:
            encoder = self._present
            if encoder is None:
                raise BackendError(
                    f"the {self._spec.stream} encoder is closed; expected an open one: open it"
                    " again"
                )
            self._calls[id(encoder)] += 1
        try:
            return encoder.encode(batch)
        finally:
            self._end_call(encoder)

    def swap(self, successor: Encoder) -> None:
        """Use another encoder from the next call on; this one is now owned here.

        Raises:
            BackendError: it embeds something else, or this encoder is closed; the successor stays
                the caller's, and everything is as before.
        """
        if successor.spec != self._spec:
            raise BackendError(
                f"the {self._spec.stream} encoder cannot be exchanged for {successor.spec};"
                f" expected {self._spec}: embeddings of different encoders never meet"
            )
        with self._lock:
            former = self._present
            if former is None:
                raise BackendError(
                    f"the {self._spec.stream} encoder is closed; expected an open one to exchange"
                )
            if former is successor:
                return
            self._present = successor
            self._calls[id(successor)] = 0
            idle = self._forget_if_idle(former)
        if idle:
            former.close()

    def close(self) -> None:
        """Close the present encoder once its calls have ended; safe to call twice."""
        with self._lock:
            former, self._present = self._present, None
            idle = former is not None and self._forget_if_idle(former)
        if former is not None and idle:
            former.close()

    def _end_call(self, encoder: Encoder) -> None:
        with self._lock:
            self._calls[id(encoder)] -= 1
            last = encoder is not self._present and self._forget_if_idle(encoder)
        if last:
            encoder.close()

    def _forget_if_idle(self, encoder: Encoder) -> bool:
        """Whether no call runs on it; then it is no longer counted. Needs the lock."""
        if self._calls[id(encoder)]:
            return False
        del self._calls[id(encoder)]
        return True
