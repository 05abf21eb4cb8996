from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.errors import ArtifactError, EnrolmentError
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.gallery.records import Media, Mismatch

Hashes = Mapping[str, str]


def test_a_new_gallery_is_empty_and_at_version_0(gallery: Gallery, path: Path) -> None:
    assert gallery.version == 0
    assert gallery.classes() == () == gallery.samples()
    assert gallery.support().samples == ()
    assert [(v.version, v.kind) for v in gallery.history()] == [(0, "create")]
    assert path.stat().st_mode & 0o777 == 0o600


def test_enrolling_makes_a_class_that_another_opening_reads_back(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    given = embedding(7, "image", "sound", group="burst 1", time_s=2.5)
    made = gallery.enroll("mug", [given, embedding(8)], hashes)
    assert (made.name, made.samples, made.existed) == ("mug", 2, False)
    assert (made.streams, made.created_s) == ({"image": 2, "sound": 1}, 1001.0)
    assert len(made.uid) == 32
    with Gallery.open(path, read_only=True) as other:
        assert other.classes() == (made,)
        first, second = other.support(hashes).samples
    assert (first.class_id, first.role, first.added_s) == (made.id, "support", 1001.0)
    assert (first.source, first.group, first.given_by) == ("photo-7.jpg", "burst 1", "person")
    assert (first.embedding.time_s, first.embedding.group) == (2.5, "burst 1")
    assert first.encoders == {"image": "1" * 64, "sound": "2" * 64}
    assert list(first.embedding.streams) == ["image", "sound"]
    for stream, views in given.streams.items():
        assert np.array_equal(first.embedding.streams[stream].vectors, views.vectors)
        assert np.array_equal(first.embedding.streams[stream].weights, views.weights)
    assert (second.embedding.time_s, list(second.embedding.streams)) == (None, ["image"])


def test_enrolling_an_existing_name_adds_to_it_and_says_so(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    first = gallery.enroll("café", [embedding(1)], hashes)
    gallery.enroll("cup", [embedding(2)], hashes)
    again = gallery.enroll(" cafe\u0301 ", [embedding(3)], hashes)
    assert again == replace(first, samples=2, streams={"image": 2}, existed=True)
    assert [s.class_id for s in gallery.support().samples] == [1, 2, 1]
    assert gallery.version == 3


def test_samples_can_be_asked_for_by_class_and_role(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    mug = gallery.enroll("mug", [embedding(1)], hashes)
    gallery.add_background([embedding(2)], hashes)
    about_mug = gallery.add_negative([embedding(3)], hashes, name="mug")
    about_all = gallery.add_negative([embedding(4)], hashes)
    assert (about_mug.classes, about_all.classes) == (1, 0)
    sources = {
        key: [s.source for s in found]
        for key, found in {
            "all": gallery.samples(),
            "mug": gallery.samples(mug.id),
            "negative": gallery.samples(role="negative"),
            "not mug": gallery.samples(mug.id, role="negative"),
            "background": gallery.samples(role="background"),
        }.items()
    }
    assert sources == {
        "all": [f"photo-{n}.jpg" for n in (1, 2, 3, 4)],
        "mug": ["photo-1.jpg", "photo-3.jpg"],
        "negative": ["photo-3.jpg", "photo-4.jpg"],
        "not mug": ["photo-3.jpg"],
        "background": ["photo-2.jpg"],
    }
    assert gallery.classes()[0].samples == 1


def test_a_sample_that_no_person_gave_is_marked(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes, given_by="auto")
    assert gallery.samples()[0].given_by == "auto"


def test_media_are_kept_only_when_given(gallery: Gallery, embedding: Any, hashes: Hashes) -> None:
    picture = Media(kind="image/jpeg", data=b"\xff\xd8picture")
    clip = Media(kind="audio/flac", data=b"fLaC")
    gallery.enroll("mug", [embedding(1), embedding(2)], hashes, [[picture, clip], []])
    gallery.enroll("mug", [embedding(3)], hashes)
    assert gallery.media(1) == (picture, clip)
    assert gallery.media(2) == gallery.media(3) == gallery.media(99) == ()


def test_renaming_keeps_the_class_and_its_samples(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    mug = gallery.enroll("mug", [embedding(1)], hashes)
    receipt = gallery.rename("mug", "big mug")
    assert (receipt.kind, receipt.version, receipt.classes) == ("rename", 2, 1)
    assert gallery.classes() == (replace(mug, name="big mug"),)
    gallery.enroll("mug", [embedding(2)], hashes)
    assert [c.id for c in gallery.classes()] == [1, 2]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mug", "cup", "a class is called 'cup' already; expected a name that is free"),
        ("mug", "mug", "a class is called 'mug' already"),
        ("mgu", "jug", r"no class is called 'mgu'; did you mean 'mug'\?"),
        ("mug", "a\nb", "control character or line break"),
    ],
)
def test_renamings_that_are_refused(
    gallery: Gallery, embedding: Any, hashes: Hashes, old: str, new: str, message: str
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.enroll("cup", [embedding(2)], hashes)
    before = gallery.support().digest()
    with pytest.raises(EnrolmentError, match=message):
        gallery.rename(old, new)
    assert (gallery.version, gallery.support().digest()) == (2, before)


def test_enrolments_that_are_refused_leave_nothing(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    before = gallery.support().digest()
    one = np.ones(1, np.float32)
    big = Embedding(
        streams={"image": StreamViews(vectors=np.full((1, 4), 1e6, np.float32), weights=one)}
    )
    wider = Embedding(
        streams={"image": StreamViews(vectors=np.ones((1, 2), np.float32), weights=one)}
    )
    picture = Media(kind="image/png", data=b"x")
    refused: list[tuple[dict[str, Any], str]] = [
        (dict(embeddings=[]), "no sample was given; expected at least one"),
        (dict(embeddings=[embedding(2), big]), "beyond ±65504"),
        (dict(embeddings=[wider]), "of length 2; the gallery has length 4 from the same encoder"),
        (dict(hashes={}), "the 'image' stream came with the encoder hash None; expected 64 hex"),
        (dict(hashes={"image": "XYZ"}), "encoder hash 'XYZ'"),
        (dict(embeddings=[embedding(2, time_s=math.inf)]), "a sample's time is inf"),
        (dict(embeddings=[embedding(2, group="g" * 5000)]), "longer than 4096 characters"),
        (dict(media=[[picture], []]), "1 samples came with media for 2; expected one entry"),
        (dict(media=[[Media(kind="", data=b"x")]]), "a kept medium of kind ''"),
        (dict(name=""), "is empty"),
    ]
    usual = dict(name="cup", embeddings=[embedding(2)], hashes=hashes)
    for change, message in refused:
        with pytest.raises(EnrolmentError, match=message):
            gallery.enroll(**{**usual, **change})
    with pytest.raises(EnrolmentError, match="no class is called 'cup'"):
        gallery.add_negative([embedding(2)], hashes, name="cup")
    assert (gallery.version, gallery.support().digest()) == (1, before)


def test_a_source_that_is_not_unicode_is_stored_readably(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    odd = replace(embedding(1), source="caf\udce9.jpg", group="\udce9")
    gallery.enroll("mug", [odd], hashes)
    assert gallery.samples()[0].source == "caf\\udce9.jpg"


def test_negative_zero_and_whole_times_are_read_back_as_they_were_hashed(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1, time_s=-0.0), embedding(2, time_s=3)], hashes)
    assert [s.embedding.time_s for s in gallery.samples()] == [0.0, 3.0]


def test_other_encoders_never_mix(gallery: Gallery, embedding: Any, hashes: Hashes) -> None:
    gallery.enroll("mug", [embedding(1, "image", "sound"), embedding(2)], hashes)
    gallery.enroll("cup", [embedding(3)], hashes)
    gallery.add_background([embedding(4)], hashes)
    newer = {**hashes, "image": "9" * 64}
    assert gallery.mismatches(hashes) == ()
    assert gallery.mismatches(newer) == (
        Mismatch(class_name="mug", role="support", stream="image", samples=2),
        Mismatch(class_name="cup", role="support", stream="image", samples=1),
        Mismatch(class_name=None, role="background", stream="image", samples=1),
    )
    says = (
        r"made with other encoders than this bundle's: 'mug' \(image\), 'cup' \(image\),"
        r" background \(image\); expected embeddings of one space: forget and enrol these again"
    )
    with pytest.raises(ArtifactError, match=says):
        gallery.support(newer)
    with pytest.raises(ArtifactError, match=r"'mug' \(image\)"):
        gallery.enroll("plate", [embedding(5)], newer)
    with pytest.raises(ArtifactError, match=r"'mug' \(sound\); expected"):
        gallery.support({"image": hashes["image"]})
    assert gallery.version == 3


def test_after_forgetting_what_other_encoders_made_their_successor_may_come(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.forget("mug")
    newer = {"image": "9" * 64}
    gallery.enroll("mug", [embedding(1)], newer)
    assert gallery.support(newer).samples[0].encoders == newer


def test_many_mismatches_are_one_short_line(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    for number in range(8):
        gallery.enroll(f"thing {number}", [embedding(number)], hashes)
    with pytest.raises(ArtifactError, match=r"'thing 4' \(image\) and 3 more; expected"):
        gallery.support({"image": "9" * 64})


def test_another_connections_change_shows_in_the_version(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    with Gallery.open(path, read_only=True) as watching:
        assert watching.version == 0
        gallery.enroll("mug", [embedding(1)], hashes)
        assert watching.version == 1
        gallery.forget("mug")
        assert watching.version == 2
        assert watching.classes() == ()


def test_a_closed_gallery_says_so(path: Path) -> None:
    gallery = Gallery.open(path)
    gallery.close()
    gallery.close()
    with pytest.raises(ArtifactError, match="was closed; open it again to use it"):
        gallery.classes()


def test_a_gallery_for_reading_only_refuses_changes(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    with Gallery.open(path, read_only=True) as reading:
        assert reading.read_only and reading.path == path
        with pytest.raises(ArtifactError, match="opened for reading only; open it for writing"):
            reading.enroll("mug", [embedding(1)], hashes)


def test_the_order_of_classes_is_that_of_their_first_remaining_samples(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.enroll("cup", [embedding(2)], hashes)
    gallery.enroll("mug", [embedding(3)], hashes)
    gallery.forget_sample(1)
    assert [c.name for c in gallery.classes()] == ["cup", "mug"]
    assert gallery.support().class_position() == {2: 0, 1: 1}
    assert gallery.classes()[1].created_s == 1003.0
