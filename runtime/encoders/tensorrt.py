"""Encoders as TensorRT engines. Nothing here was ever run on a GPU: see docs/jetson.md."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.encoders.cuda.protocol import CudaLayer
from headstart.runtime.encoders.protocol import EncoderSpec, check_batch
from headstart.runtime.encoders.tensorrt_engine import load_engine
from headstart.runtime.encoders.tensorrt_lane import Lane
from headstart.runtime.engines.tensorrt_api import TensorRt
from headstart.runtime.errors import BackendError

_log = logging.getLogger(__name__)


class Pending:
    """A batch on its way through an engine. ``result`` must be called once, on any thread."""

    def __init__(self, encoder: TensorRtEncoder, lane: Lane, batch: NDArray[Any]) -> None:
        self._encoder, self._lane, self._batch = encoder, lane, batch

    def result(self) -> NDArray[np.float32]:
        """Wait; float32 ``(batch, dim)``, owned by the caller.

        Raises:
            BackendError: the GPU failed.
        """
        return self._encoder.collect(self._lane, self._batch)


class TensorRtEncoder:
    """One engine. ``encode`` and ``submit`` may be called from several threads at once.

    Each call in flight has a context, a stream and page-locked buffers of its own, made when they
    are first needed and used again. Results are copied out of them: the caller owns what it gets.
    Batches greater than the engine's profile are cut. ``close`` must not run beside other calls.

    Args:
        plan: the engine's bytes, checked by `headstart.runtime.engines.store`.
        spec: what it is expected to take and give; checked.
        api: the TensorRT that built it.
        cuda: where its memory lies.
        graphs: record CUDA graphs where ``cuda`` offers them.

    Raises:
        BackendError: TensorRT refuses the plan, or it is not what ``spec`` says.
    """

    def __init__(
        self,
        plan: bytes,
        spec: EncoderSpec,
        *,
        api: TensorRt,
        cuda: CudaLayer,
        graphs: bool = True,
    ) -> None:
        self._spec, self._api, self._cuda, self._graphs = spec, api, cuda, graphs
        self._lock = threading.Lock()
        self._idle: list[Lane] = []
        self._busy = 0
        with cuda.attach():
            self._loaded: Any = load_engine(plan, spec, api)
            self._idle.append(self._new_lane())
        self._max_batch: int = self._loaded.max_batch

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder takes and gives."""
        return self._spec

    @property
    def max_batch(self) -> int:
        """The greatest batch that goes through in one piece."""
        return self._max_batch

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Embed ``(batch, *input_shape)`` as float32 ``(batch, dim)``; the caller owns the result.

        Raises:
            ShapeError: the batch does not fit ``spec``.
            BackendError: the GPU failed, or the encoder is closed.
        """
        return self.submit(batch).result()

    def submit(self, batch: NDArray[Any]) -> Pending:
        """Start a batch and return at once; ``batch`` must not change before the result is taken.

        Raises:
            ShapeError: the batch does not fit ``spec``.
            BackendError: the GPU failed, or the encoder is closed.
        """
        check_batch(batch, self._spec)
        with self._cuda.attach():
            lane = self._take_lane()
            try:
                lane.start(batch[: self._max_batch])
            except BaseException:
                self._drop_lane(lane)
                raise
        return Pending(self, lane, batch)

    def collect(self, lane: Lane, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Wait for what ``submit`` started; `Pending.result` is the way to call it."""
        out = np.empty((len(batch), self._spec.dim), np.float32)
        with self._cuda.attach():
            try:
                for at in range(0, len(batch), self._max_batch):
                    piece = batch[at : at + self._max_batch]
                    if at:
                        lane.start(piece)
                    out[at : at + len(piece)] = lane.finish(len(piece))
            except BaseException:
                self._drop_lane(lane)
                raise
        with self._lock:
            self._busy -= 1
            self._idle.append(lane)
        return out

    def close(self) -> None:
        """Free the engine and all buffers; safe to call twice."""
        with self._lock:
            if self._busy:
                raise BackendError(
                    f"the {self._spec.stream} encoder still works on {self._busy} batches; expected"
                    " none: take their results first"
                )
            idle, self._idle, self._loaded = self._idle, [], None
        with self._cuda.attach():
            for lane in idle:
                lane.close()

    def _take_lane(self) -> Lane:
        with self._lock:
            if self._loaded is None:
                raise BackendError(
                    f"the {self._spec.stream} encoder is closed; expected an open one: open it"
                    " again"
                )
            self._busy += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._new_lane()
        except BaseException:
            with self._lock:
                self._busy -= 1
            raise

    def _new_lane(self) -> Lane:
        return Lane(self._loaded, self._spec, self._api, self._cuda, graphs=self._graphs)

    def _drop_lane(self, lane: Lane) -> None:
        """After a failure its stream and buffers are in an unknown state."""
        with self._lock:
            self._busy -= 1
        try:
            lane.close()
        except BackendError as error:
            # After some failures CUDA refuses every further call; the first error is the one to
            # show.
            _log.warning("a failed call of the %s engine keeps memory: %s", self.spec.stream, error)


def encode_together(
    work: Mapping[str, tuple[TensorRtEncoder, NDArray[Any]]],
) -> dict[str, NDArray[np.float32]]:
    """Encode several streams at once: all are queued before the first is waited for.

    Args:
        work: stream → its encoder and its batch.

    Raises:
        ShapeError: a batch does not fit its encoder.
        BackendError: the GPU failed; every batch that was started has ended by then.
    """
    pending: dict[str, Pending] = {}
    results: dict[str, NDArray[np.float32]] = {}
    failures: list[Exception] = []
    try:
        for stream, (encoder, batch) in work.items():
            pending[stream] = encoder.submit(batch)
    except Exception as error:
        failures.append(error)
    for stream, batch_on_its_way in pending.items():
        try:
            results[stream] = batch_on_its_way.result()
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return results
