"""From a gallery's snapshot to a support."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.fusion.calibrated import CalibratedSpace
from headstart.runtime.fusion.spaces import Spaces
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.recognition.enrolled import EnrolledSamples

HASHES = {"image": "1" * 64, "sound": "2" * 64}
SPACES = Spaces(
    {
        "image": CalibratedSpace(mean=np.zeros(3, np.float32)),
        "sound": CalibratedSpace(mean=np.zeros(2, np.float32), pool="energy"),
    }
)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.open(tmp_path / "gallery.sqlite") as opened:
        yield opened


def _embedding(number: float, *streams: str, group: str = "") -> Embedding:
    vectors = {"image": [[number, 1, 0], [0, number, 1]], "sound": [[number, 2]]}
    views = {
        stream: StreamViews(
            vectors=np.array(vectors[stream], np.float32),
            weights=np.ones(len(vectors[stream]), np.float32),
        )
        for stream in streams or ("image", "sound")
    }
    return Embedding(streams=views, group=group)


def _enroll(gallery: Gallery, name: str, *embeddings: Embedding) -> None:
    streams = {stream for embedding in embeddings for stream in embedding.streams}
    gallery.enroll(name, embeddings, {stream: HASHES[stream] for stream in streams})


def test_classes_stand_in_the_order_of_enrolment(gallery: Gallery) -> None:
    for name, number in (("zebra", 1), ("apple", 2), ("zebra", 3)):
        _enroll(gallery, name, _embedding(number))
    support = EnrolledSamples(SPACES).support(gallery.support(HASHES))
    assert support.names == ("zebra", "apple")
    assert support.labels.tolist() == [0, 1, 0]
    np.testing.assert_allclose(
        support.samples[2].points["image"], np.array([[3, 1, 0], [0, 3, 1]]) / 10**0.5, rtol=1e-6
    )


def test_background_is_counted_by_groups(gallery: Gallery) -> None:
    gallery.add_background(
        [_embedding(1, group="cup"), _embedding(2), _embedding(3, group="cup")], HASHES
    )
    support = EnrolledSamples(SPACES).support(gallery.support(HASHES))
    assert (support.names, support.samples) == ((), ())
    assert support.things.tolist() == [0, 1, 0]


def test_negatives_are_no_samples_of_a_class(gallery: Gallery) -> None:
    _enroll(gallery, "mug", _embedding(1))
    gallery.add_negative([_embedding(2)], HASHES, name="mug")
    support = EnrolledSamples(SPACES).support(gallery.support(HASHES))
    assert (len(support.samples), len(support.background)) == (1, 0)


def test_classes_without_a_stream_in_use_are_left_out(gallery: Gallery) -> None:
    _enroll(gallery, "heard", _embedding(1, "sound"))
    _enroll(gallery, "seen", _embedding(2, "image"))
    only_image = Spaces({"image": SPACES["image"]})
    support = EnrolledSamples(only_image).support(gallery.support(HASHES))
    assert (support.names, support.labels.tolist()) == (("seen",), [0])


def test_an_empty_gallery_is_an_empty_support(gallery: Gallery) -> None:
    support = EnrolledSamples(SPACES).support(gallery.support(HASHES))
    assert (support.names, support.samples, support.background) == ((), (), ())


def test_a_sample_is_placed_once_and_forgotten_samples_are_dropped(gallery: Gallery) -> None:
    _enroll(gallery, "mug", _embedding(1))
    _enroll(gallery, "cup", _embedding(2))
    enrolled = EnrolledSamples(SPACES)
    before = enrolled.support(gallery.support(HASHES))
    gallery.forget("mug")
    _enroll(gallery, "pen", _embedding(3))
    after = enrolled.support(gallery.support(HASHES))
    assert after.names == ("cup", "pen")
    assert after.samples[0] is before.samples[1]
    fresh = EnrolledSamples(SPACES).support(gallery.support(HASHES))
    for kept, new in zip(after.samples, fresh.samples, strict=True):
        _assert_same(kept.points, new.points)


def _assert_same(points: Any, others: Any) -> None:
    assert list(points) == list(others)
    for stream, z in points.items():
        np.testing.assert_array_equal(z, others[stream])
