from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from headstart.runtime.errors import EnrolmentError
from headstart.runtime.gallery.gallery import Gallery

Hashes = Mapping[str, str]


def _changes(gallery: Gallery, embedding: Any, hashes: Hashes) -> list[str]:
    """One change of every kind; returns the content's digest at each version."""
    digests = [gallery.support().digest()]
    for change in (
        lambda: gallery.enroll("mug", [embedding(1)], hashes),
        lambda: gallery.enroll("cup", [embedding(2), embedding(3)], hashes),
        lambda: gallery.add_negative([embedding(4)], hashes, name="mug"),
        lambda: gallery.rename("mug", "jug"),
        lambda: gallery.add_background([embedding(5)], hashes),
    ):
        change()
        digests.append(gallery.support().digest())
    return digests


def test_every_version_can_be_read_and_gone_back_to(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    digests = _changes(gallery, embedding, hashes)
    assert len(set(digests)) == len(digests) == 6
    for version, digest in enumerate(digests):
        assert gallery.support(version=version).digest() == digest
    for version in (2, 0, 3, 5, 1, 4):
        receipt = gallery.rollback(version)
        assert receipt.version == gallery.version
        assert gallery.support().digest() == digests[version]
    for version, digest in enumerate(digests):
        assert gallery.support(version=version).digest() == digest


def test_rollback_without_a_version_undoes_and_again_redoes(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    digests = _changes(gallery, embedding, hashes)
    assert gallery.rollback().samples == 1
    assert gallery.support().digest() == digests[4]
    gallery.rollback()
    assert gallery.support().digest() == digests[5]


def test_the_history_tells_what_each_version_did(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    _changes(gallery, embedding, hashes)
    gallery.rollback(1)
    told = [(v.version, v.kind, v.class_name, v.added, v.removed) for v in gallery.history()]
    assert told == [
        (0, "create", None, 0, 0),
        (1, "enroll", "mug", 1, 0),
        (2, "enroll", "cup", 2, 0),
        (3, "negative", "mug", 1, 0),
        (4, "rename", "jug", 0, 0),
        (5, "background", None, 1, 0),
        (6, "rollback", None, 0, 4),
    ]
    assert [v.made_s for v in gallery.history()] == [1000.0 + n for n in range(7)]
    assert gallery.history()[-1].target == 1


def test_a_name_that_was_rolled_back_is_free_again(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> None:
    first = gallery.enroll("mug", [embedding(1)], hashes)
    gallery.rollback(0)
    assert gallery.classes() == ()
    second = gallery.enroll("mug", [embedding(2)], hashes)
    assert second.id != first.id
    gallery.rollback(1)
    assert gallery.classes() == (first,)


@pytest.mark.parametrize("version", [-1, 2, 10**30])
def test_a_version_that_is_not_there_is_refused(
    gallery: Gallery, embedding: Any, hashes: Hashes, version: int
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    with pytest.raises(EnrolmentError, match=rf"no version {version}; expected one from 0 to 1"):
        gallery.rollback(version)
    with pytest.raises(EnrolmentError, match="expected one from 0 to 1: look at the history"):
        gallery.support(version=version)


def test_the_current_version_and_the_one_before_the_first_are_refused(gallery: Gallery) -> None:
    with pytest.raises(EnrolmentError, match="at version 0 already; expected an earlier one"):
        gallery.rollback(0)
    with pytest.raises(EnrolmentError, match="holds no version -1"):
        gallery.rollback()


def test_only_the_newest_versions_are_kept_and_with_them_what_they_hold(
    path: Path, embedding: Any, hashes: Hashes
) -> None:
    with Gallery.open(path, kept_versions=3) as gallery:
        gallery.enroll("kept", [embedding(1)], hashes)
        gallery.enroll("undone", [embedding(2)], hashes)
        gallery.rollback()
        for number in range(3, 6):
            gallery.enroll("kept", [embedding(number)], hashes)
        assert [v.version for v in gallery.history()] == [3, 4, 5, 6]
        with sqlite3.connect(path) as db:
            assert db.execute("SELECT id FROM samples").fetchall() == [(1,), (3,), (4,), (5,)]
            assert db.execute("SELECT name FROM names").fetchall() == [("kept",)]
            assert db.execute("SELECT count(*) FROM classes").fetchone() == (1,)
        db.close()
        gallery.rollback(3)
        assert [s.source for s in gallery.samples()] == ["photo-1.jpg"]


def test_the_history_is_bounded_by_default(path: Path, embedding: Any, hashes: Hashes) -> None:
    ticks = count()
    with Gallery.open(path, clock=lambda: float(next(ticks))) as gallery:
        gallery.enroll("a", [embedding(1)], hashes)
        for _ in range(60):
            gallery.rename("a", "b")
            gallery.rename("b", "a")
        assert len(gallery.history()) == 101
        with sqlite3.connect(path) as db:
            assert db.execute("SELECT count(*) FROM names").fetchone() == (101,)
        db.close()


def test_a_clock_that_is_set_back_changes_no_order(
    path: Path, embedding: Any, hashes: Hashes
) -> None:
    times = iter([0.0, 500.0, 100.0, 300.0])
    with Gallery.open(path, clock=lambda: next(times)) as gallery:
        for number, name in enumerate(["late", "early", "middle"]):
            gallery.enroll(name, [embedding(number)], hashes)
        assert [c.name for c in gallery.classes()] == ["late", "early", "middle"]
        assert [v.made_s for v in gallery.history()] == [0.0, 500.0, 100.0, 300.0]
