"""What every encoder backend offers, and the one place where its inputs are checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ShapeError


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """What an encoder takes and gives.

    Args:
        stream: ``image``, ``sound``, ``speech`` or another name from the manifest.
        modality: the modality that feeds the stream.
        input_shape: one item without the batch axis: ``(224, 224, 3)`` or ``(16000,)``.
        input_dtype: ``uint8`` or ``float32``.
        dim: length of one embedding.
        sha256: of the FP32 model file: embeddings of different hashes never meet.
    """

    stream: str
    modality: str
    input_shape: tuple[int, ...]
    input_dtype: str
    dim: int
    sha256: str


class Encoder(Protocol):
    """A model that turns a batch of prepared inputs into embeddings.

    One encoder serves one thread at a time unless its backend says otherwise.
    """

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder takes and gives."""
        ...

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Embed ``(batch, *input_shape)`` as float32 ``(batch, dim)``; the caller owns the result.

        Raises:
            ShapeError: the batch does not fit ``spec``.
            BackendError: the backend failed.
        """
        ...

    def close(self) -> None:
        """Free the model; safe to call twice."""
        ...


def check_batch(batch: NDArray[Any], spec: EncoderSpec) -> None:
    """Refuse a batch that does not fit ``spec``.

    Raises:
        ShapeError: wrong dtype, wrong item shape or an empty batch.
    """
    if (
        batch.dtype.name != spec.input_dtype
        or batch.shape[1:] != spec.input_shape
        or batch.shape[0] == 0
    ):
        raise ShapeError(
            f"the {spec.stream} encoder was given {batch.dtype} {batch.shape}; expected"
            f" {spec.input_dtype} {('batch', *spec.input_shape)} with at least one item"
        )
