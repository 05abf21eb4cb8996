"""Forgetting leaves nothing: not in what is read, not in the history, not in the files' bytes."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from headstart.runtime.errors import EnrolmentError
from headstart.runtime.gallery import file as gallery_file
from headstart.runtime.gallery.blobs import pack_views
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.gallery.records import Media

Hashes = Mapping[str, str]
_SECRET = Media(kind="image/jpeg", data=b"\xff\xd8 a face that nobody should see")


def _traces(path: Path, embedding: Any, *names: str) -> dict[str, int]:
    """How often what was enrolled occurs in the gallery's files."""
    raw = b"".join(p.read_bytes() for p in path.parent.glob(path.name + "*"))
    vectors, _ = pack_views("image", embedding.streams["image"])
    sought = {
        "source": embedding.source.encode(),
        "group": embedding.group.encode(),
        "vectors": vectors,
        "media": _SECRET.data,
        **{name: name.encode() for name in names},
    }
    return {what: raw.count(content) for what, content in sought.items()}


def _secret(embedding: Any) -> Any:
    """An embedding whose bytes cannot be in a file by accident."""
    made = embedding(1234.5, "image", group="burst-of-anna")
    return replace(made, source="/home/anna/private.jpg")


def _surround(gallery: Gallery, embedding: Any, hashes: Hashes, *, start: int) -> None:
    for number in range(start, start + 40):
        gallery.enroll(f"thing {number}", [embedding(number)], hashes)


@pytest.mark.parametrize("how", ["class", "sample", "since", "since of the class"])
def test_the_bytes_are_gone_from_every_file(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes, how: str
) -> None:
    anna = _secret(embedding)
    _surround(gallery, embedding, hashes, start=0)
    gallery.enroll("Anna Secret", [anna], hashes, [[_SECRET]])
    gallery.rename("Anna Secret", "Anna Hidden")
    if how in {"class", "sample"}:
        _surround(gallery, embedding, hashes, start=40)
    before = _traces(path, anna, "Anna Secret", "Anna Hidden")
    assert all(before.values()), before
    with Gallery.open(path, read_only=True) as reader:
        assert reader.version == gallery.version
        receipt = {
            "class": lambda: gallery.forget("Anna Hidden"),
            "sample": lambda: gallery.forget_sample(41),
            "since": lambda: gallery.forget_since(1041.0),
            "since of the class": lambda: gallery.forget_since(0.0, name="Anna Hidden"),
        }[how]()
        after = _traces(path, anna, "Anna Secret", "Anna Hidden")
        assert not any(after.values()), after
        assert "Anna Hidden" not in [c.name for c in reader.classes()]
    assert (receipt.classes, receipt.samples, receipt.erased) == (1, 1, True)


def test_no_version_brings_it_back(gallery: Gallery, embedding: Any, hashes: Hashes) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.enroll("Anna", [embedding(2)], hashes)
    gallery.add_negative([embedding(3)], hashes, name="Anna")
    gallery.enroll("cup", [embedding(4)], hashes)
    gallery.forget("Anna")
    for version in range(gallery.version):
        gallery.rollback(version)
        assert {c.name for c in gallery.classes()} <= {"mug", "cup"}
        assert {s.source for s in gallery.samples()} <= {"photo-1.jpg", "photo-4.jpg"}
    told = [(v.kind, v.class_name, v.added) for v in gallery.history()[:6]]
    assert told == [
        ("create", None, 0),
        ("enroll", "mug", 1),
        ("enroll", None, 0),
        ("negative", None, 0),
        ("enroll", "cup", 1),
        ("forget", None, 0),
    ]


def test_the_receipt_holds_hashes_and_no_personal_data(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    kept = gallery.support(hashes).digest()
    gallery.enroll("Anna", [embedding(2), embedding(3)], hashes)
    digests = tuple(s.digest for s in gallery.samples()[1:])
    receipt = gallery.forget("Anna")
    assert asdict(receipt) == {
        "kind": "forget",
        "version": 3,
        "made_s": 1003.0,
        "classes": 1,
        "samples": 2,
        "sample_digests": digests,
        "content_digest": kept,
        "erased": True,
    }
    assert gallery.support(hashes).digest() == kept


def test_ids_are_never_given_again(gallery: Gallery, embedding: Any, hashes: Hashes) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.forget("mug")
    again = gallery.enroll("mug", [embedding(1)], hashes)
    assert (again.id, gallery.samples()[0].id) == (2, 2)


def test_what_was_said_about_a_class_goes_with_it(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.add_negative([embedding(2)], hashes, name="mug")
    gallery.add_negative([embedding(3)], hashes)
    receipt = gallery.forget_sample(1)
    assert (receipt.classes, receipt.samples) == (1, 2)
    assert [s.source for s in gallery.samples()] == ["photo-3.jpg"]


def test_a_class_that_only_the_history_holds_can_be_forgotten(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("Anna", [_secret(embedding)], hashes)
    gallery.rollback(0)
    assert gallery.forget("Anna").samples == 1
    assert _traces(path, _secret(embedding), "Anna")["Anna"] == 0
    gallery.rollback(1)
    assert gallery.classes() == ()


def test_a_name_that_another_class_bore_before_goes_with_those_versions(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("Anna", [embedding(1)], hashes)
    gallery.rename("Anna", "Berta")
    gallery.enroll("Anna", [embedding(2)], hashes)
    gallery.forget("Anna")
    assert [c.name for c in gallery.classes()] == ["Berta"]
    assert [v.version for v in gallery.history()] == [2, 3, 4]
    assert path.read_bytes().count(b"Anna") == 0


def test_forgetting_since_a_time_takes_that_time_and_later(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.enroll("cup", [embedding(2)], hashes)
    gallery.enroll("mug", [embedding(3)], hashes)
    gallery.add_background([embedding(4)], hashes)
    assert gallery.forget_since(1003.0, name="mug").samples == 1
    assert gallery.forget_since(1002.0).samples == 2
    assert [s.source for s in gallery.samples()] == ["photo-1.jpg"]
    nothing = gallery.forget_since(9999.0)
    assert (nothing.samples, nothing.version) == (0, gallery.version) == (0, 6)


@pytest.mark.parametrize("sample_id", [0, -1, 2, 10**30])
def test_a_sample_that_is_not_there_is_refused(
    gallery: Gallery, embedding: Any, hashes: Hashes, sample_id: int
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    with pytest.raises(EnrolmentError, match=f"no sample has the id {sample_id}; expected"):
        gallery.forget_sample(sample_id)
    assert gallery.version == 1


def test_unknown_names_and_times_are_refused(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    with pytest.raises(EnrolmentError, match="called 'mug'; the gallery is empty: enrol some"):
        gallery.forget("mug")
    gallery.enroll("mug", [embedding(1)], hashes)
    with pytest.raises(EnrolmentError, match=r"called 'mgu'; did you mean 'mug'\?"):
        gallery.forget("mgu")
    with pytest.raises(EnrolmentError, match=r"called 'mgu'; did you mean 'mug'\?"):
        gallery.forget_since(0.0, name="mgu")
    with pytest.raises(EnrolmentError, match="the time is not a number"):
        gallery.forget_since(float("nan"))
    assert gallery.version == 1


def test_while_somebody_reads_the_bytes_stay_and_the_receipt_says_so(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    anna = _secret(embedding)
    gallery.enroll("Anna Secret", [anna], hashes, [[_SECRET]])
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM names").fetchall()
        assert not gallery.forget("Anna Secret").erased
        assert gallery.classes() == ()
        assert all(_traces(path, anna, "Anna Secret").values())
        reader.execute("ROLLBACK")
    gallery.enroll("mug", [embedding(1)], hashes)
    assert not any(_traces(path, anna, "Anna Secret").values())


def test_a_process_that_died_before_erasing_is_made_good_by_the_next_opening(
    gallery: Gallery,
    path: Path,
    embedding: Any,
    hashes: Hashes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anna = _secret(embedding)
    gallery.enroll("Anna Secret", [anna], hashes, [[_SECRET]])
    with monkeypatch.context() as dying:
        dying.setattr(gallery_file, "erase", lambda db: False)
        gallery.forget("Anna Secret")
    assert all(_traces(path, anna, "Anna Secret").values())
    Gallery.open(path).close()
    assert not any(_traces(path, anna, "Anna Secret").values())


def test_erasing_that_has_to_wait_is_logged(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes, caplog: pytest.LogCaptureFixture
) -> None:
    gallery.enroll("Anna Secret", [_secret(embedding)], hashes)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM names").fetchall()
        with caplog.at_level(logging.WARNING):
            assert not gallery.forget("Anna Secret").erased
        other.execute("ROLLBACK")
    assert "forgotten bytes are still in the gallery file" in caplog.text


def test_a_class_whose_first_sample_is_forgotten_was_not_there_before_its_second(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.add_negative([embedding(2)], hashes, name="mug")
    gallery.enroll("mug", [embedding(3)], hashes)
    gallery.forget_sample(1)
    then = gallery.support(version=2)
    assert (then.classes, then.samples) == ((), ())
    assert [s.source for s in gallery.samples()] == ["photo-2.jpg", "photo-3.jpg"]
    gallery.rollback(2)
    assert gallery.samples() == ()
    with pytest.raises(EnrolmentError, match="no class is called 'mug'"):
        gallery.rename("mug", "jug")
    assert not gallery.enroll("mug", [embedding(4)], hashes).existed
    gallery.rollback(3)
    assert [s.source for s in gallery.samples()] == ["photo-2.jpg", "photo-3.jpg"]


def test_what_another_tool_deleted_without_overwriting_is_gone_too(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("Anna Secret", [_secret(embedding)], hashes, [[_SECRET]])
    with closing(sqlite3.connect(path, isolation_level=None)) as tool:
        tool.execute("PRAGMA secure_delete = OFF")
        tool.execute("DELETE FROM media")
        tool.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert path.read_bytes().count(_SECRET.data) == 1
    gallery.forget("Anna Secret")
    assert not any(_traces(path, _secret(embedding), "Anna Secret").values())


def test_what_only_dropped_versions_held_is_overwritten(
    path: Path, embedding: Any, hashes: Hashes
) -> None:
    anna = _secret(embedding)
    with Gallery.open(path, kept_versions=1) as gallery:
        gallery.enroll("Anna Secret", [anna], hashes, [[_SECRET]])
        gallery.rollback()
        gallery.enroll("mug", [embedding(1)], hashes)
        assert all(_traces(path, anna, "Anna Secret").values())
        gallery.enroll("mug", [embedding(2)], hashes)
    assert not any(_traces(path, anna, "Anna Secret").values())
