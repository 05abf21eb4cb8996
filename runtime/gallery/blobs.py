"""Embeddings as bytes: float16 vectors and float32 weights, little-endian, and back with checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from headstart.runtime.embedding.embedding import StreamViews
from headstart.runtime.errors import EnrolmentError, ShapeError
from headstart.runtime.gallery.rows import damaged

MAX_BLOB_BYTES = 16 * 2**20
"""Largest vectors blob of one sample and stream: 1,000 views of 8,192 numbers."""

PackedStream = tuple[str, str, int, bytes, bytes]
"""Stream, its encoder's SHA-256, length of one embedding, vectors, weights."""

_VECTORS = np.dtype("<f2")
_WEIGHTS = np.dtype("<f4")


def pack_views(stream: str, views: StreamViews) -> tuple[bytes, bytes]:
    """Return ``(vectors, weights)`` as bytes.

    float16 keeps three digits, which is below what re-encoding the same thing changes, at half the
    size; the gallery's own numbers are computed from the rounded values only.

    Raises:
        EnrolmentError: a number does not fit float16 (above 65,504), no weight is left above 0, or
            there are too many views.
    """
    with np.errstate(over="ignore"):
        rounded = views.vectors.astype(_VECTORS)
        weights = views.weights.astype(_WEIGHTS)
    if not (np.isfinite(rounded).all() and np.isfinite(weights).all() and weights.any()):
        raise EnrolmentError(
            f"the {stream} encoder gave numbers beyond ±65504, which the gallery cannot store;"
            " expected raw encoder outputs: check the model file"
        )
    if rounded.nbytes > MAX_BLOB_BYTES:
        raise EnrolmentError(
            f"one sample has {rounded.nbytes} bytes of {stream} embeddings; expected at most"
            f" {MAX_BLOB_BYTES}: give fewer views of it"
        )
    return rounded.tobytes(), weights.tobytes()


def unpack_views(vectors: bytes, weights: bytes, dim: int, where: str) -> StreamViews:
    """Rebuild one stream's views; ``where`` names the sample in errors.

    Raises:
        ArtifactError: the blobs do not hold ``(views, dim)`` finite numbers and their weights.
    """
    views = len(weights) // _WEIGHTS.itemsize
    whole = views * _WEIGHTS.itemsize == len(weights)
    if not whole or views < 1 or dim < 1 or len(vectors) != views * dim * _VECTORS.itemsize:
        raise damaged(
            f"{where} has {len(vectors)} + {len(weights)} bytes for embeddings of length {dim}"
        )
    try:
        return StreamViews(
            vectors=np.frombuffer(vectors, _VECTORS).reshape(views, dim).astype(np.float32),
            weights=np.frombuffer(weights, _WEIGHTS).astype(np.float32),
        )
    except ShapeError as error:
        raise damaged(f"{where} holds numbers that are not finite or only zero weights") from error


def sample_digest(time_s: float | None, group: str, streams: Iterable[PackedStream]) -> bytes:
    """SHA-256 (32 bytes) of what is computed with: the same wherever and whenever it is stored.

    Args:
        time_s: the sample's time on its source's clock.
        group: the burst it belongs to.
        streams: its streams in their order.
    """
    running = hashlib.sha256(repr((time_s, group)).encode())
    for stream, sha256, dim, vectors, weights in streams:
        running.update(repr((stream, sha256, dim, len(vectors), len(weights))).encode())
        running.update(vectors)
        running.update(weights)
    return running.digest()
