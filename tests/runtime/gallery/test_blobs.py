from __future__ import annotations

import struct

import numpy as np
import pytest

from headstart.runtime.embedding.embedding import StreamViews
from headstart.runtime.errors import ArtifactError, EnrolmentError
from headstart.runtime.gallery.blobs import (
    MAX_BLOB_BYTES,
    pack_views,
    sample_digest,
    unpack_views,
)


def _views(vectors: list[list[float]], weights: list[float]) -> StreamViews:
    return StreamViews(vectors=np.array(vectors, np.float32), weights=np.array(weights, np.float32))


def test_vectors_are_little_endian_float16_and_weights_float32() -> None:
    vectors, weights = pack_views("image", _views([[1, -2], [0.5, 65504]], [1, 0.1]))
    assert vectors == struct.pack("<4e", 1, -2, 0.5, 65504)
    assert weights == struct.pack("<2f", 1, 0.1)


def test_reading_gives_the_rounded_numbers_and_packing_these_again_the_same_bytes() -> None:
    packed = pack_views("image", _views([[0.1, 1 / 3]], [0.7]))
    read = unpack_views(*packed, 2, "sample 1")
    assert read.vectors.dtype == np.float32
    assert read.vectors.tolist() == [[float(np.float16(0.1)), float(np.float16(1 / 3))]]
    assert pack_views("image", read) == packed


def test_numbers_beyond_float16_are_refused() -> None:
    with pytest.raises(EnrolmentError, match=r"image encoder gave numbers beyond ±65504"):
        pack_views("image", _views([[1e6]], [1]))


def test_too_many_views_are_refused() -> None:
    many = StreamViews(
        vectors=np.zeros((MAX_BLOB_BYTES // 2 + 1, 1), np.float32),
        weights=np.ones(MAX_BLOB_BYTES // 2 + 1, np.float32),
    )
    with pytest.raises(EnrolmentError, match="expected at most 16777216: give fewer views"):
        pack_views("image", many)


@pytest.mark.parametrize(
    ("vectors", "weights", "dim"),
    [
        (b"\0\0", struct.pack("<f", 1), 2),
        (b"\0\0" * 3, struct.pack("<f", 1), 2),
        (b"", b"", 2),
        (b"\0\0", struct.pack("<f", 1), 0),
        (b"\0\0", struct.pack("<f", 1), -1),
        (b"\0\0", struct.pack("<f", 1), 2**62),
        (b"\0\0", b"\0\0\0", 1),
        (struct.pack("<e", float("nan")), struct.pack("<f", 1), 1),
        (struct.pack("<e", float("inf")), struct.pack("<f", 1), 1),
        (struct.pack("<e", 1), struct.pack("<f", 0), 1),
        (struct.pack("<e", 1), struct.pack("<f", -1), 1),
    ],
    ids=[
        "short",
        "long",
        "empty",
        "no length",
        "negative length",
        "huge length",
        "half a weight",
        "nan",
        "infinite",
        "zero weights",
        "negative weight",
    ],
)
def test_crafted_blobs_are_refused(vectors: bytes, weights: bytes, dim: int) -> None:
    with pytest.raises(ArtifactError, match=r"^sample 7 .*damaged or forged, restore a copy$"):
        unpack_views(vectors, weights, dim, "sample 7")


def test_every_fact_of_a_sample_changes_its_digest() -> None:
    one = ("image", "1" * 64, 1, b"ab", b"cdef")
    digests = [
        sample_digest(None, "", [one]),
        sample_digest(1.0, "", [one]),
        sample_digest(None, "burst", [one]),
        sample_digest(None, "", [one, one]),
        *(
            sample_digest(None, "", [changed])
            for changed in (
                ("sound", *one[1:]),
                ("image", "2" * 64, *one[2:]),
                (*one[:2], 2, *one[3:]),
                (*one[:3], b"aB", b"cdef"),
                (*one[:3], b"abc", b"def"),
            )
        ),
    ]
    assert len(set(digests)) == len(digests)
