"""Files that are not galleries, or that cannot be used now."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from headstart.runtime.errors import ArtifactError, HeadstartError, MissingDependency
from headstart.runtime.gallery.gallery import Gallery

Hashes = Mapping[str, str]


@contextmanager
def _sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def _opening_says(path: Path, message: str, *, read_only: bool = False) -> None:
    with pytest.raises(ArtifactError, match=message) as refused:
        Gallery.open(path, read_only=read_only, timeout_s=0.05)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("content", [b"\xff\xd8 a picture", b"x", b"SQLite format 2\0" * 9])
def test_a_file_that_is_not_sqlite_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, read_only: bool
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    _opening_says(path, "is not a gallery; expected an SQLite file made by", read_only=read_only)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4080)
    _opening_says(path, "is not a gallery|is damaged")


@pytest.mark.parametrize("read_only", [False, True])
def test_another_programs_sqlite_file_is_refused_and_left_alone(
    tmp_path: Path, read_only: bool
) -> None:
    path = tmp_path / "places.sqlite"
    with _sqlite(path) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    _opening_says(path, "is an SQLite file of another program", read_only=read_only)
    assert path.read_bytes() == before


def test_another_programs_empty_sqlite_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.sqlite"
    with _sqlite(path) as db:
        db.execute("PRAGMA application_id = 7")
    _opening_says(path, "of another program; expected a Headstart gallery: give another path")


def test_a_newer_schema_is_refused(gallery: Gallery, path: Path) -> None:
    gallery.close()
    with _sqlite(path) as db:
        db.execute("PRAGMA user_version = 2")
    _opening_says(path, "has gallery schema 2; this version of Headstart reads up to 1: update")


@pytest.mark.parametrize(
    "forgery",
    [
        "CREATE TRIGGER evil AFTER INSERT ON samples BEGIN DELETE FROM samples; END",
        "CREATE VIEW evil AS SELECT * FROM samples",
        "DROP TABLE media",
        "ALTER TABLE samples ADD COLUMN evil BLOB",
        "CREATE TABLE evil (a)",
        "PRAGMA user_version = -3",
    ],
)
def test_tables_that_headstart_did_not_make_are_refused(
    gallery: Gallery, path: Path, forgery: str
) -> None:
    gallery.close()
    with _sqlite(path) as db:
        db.execute(forgery)
    _opening_says(path, "does not have the tables of gallery schema .*: it is damaged or forged")


@pytest.mark.parametrize(
    ("forgery", "message"),
    [
        ("UPDATE embeddings SET vectors = x'00'", r"sample 1 \(image\) has 1 \+ 8 bytes"),
        ("UPDATE embeddings SET vectors = zeroblob(100000000)", r"sample 1 \(image\) has 0 \+ 8"),
        ("UPDATE embeddings SET weights = zeroblob(8)", "only zero weights"),
        ("UPDATE encoders SET dim = 4611686018427387904", "for embeddings of length 46116860184"),
        (
            "UPDATE embeddings SET vectors = unhex(replace(hex(vectors), '3C', '3D'))"
            if sqlite3.sqlite_version_info >= (3, 41)
            else "UPDATE embeddings SET vectors = zeroblob(16)",
            "sample 1 is not what was enrolled",
        ),
        ("DELETE FROM embeddings", "sample 1 is not what was enrolled; expected"),
        ("UPDATE samples SET burst = 'another'", "sample 1 is not what was enrolled"),
        (
            "UPDATE samples SET source = hex(zeroblob(9000000))",
            "a text of more than 4096 characters",
        ),
        ("UPDATE spans SET class_id = 77", "samples and classes disagree"),
        ("UPDATE spans SET class_id = NULL", "samples and classes disagree"),
        (
            "INSERT INTO spans SELECT 9, 1, 1, 'support', 1, NULL",
            "sample 1 is not what was enrolled",
        ),
        ("UPDATE spans SET role = 'evil', class_id = NULL", "in the role 'evil'; expected"),
        ("INSERT INTO names VALUES (9, 1, 'twin', 1, NULL)", "samples and classes disagree"),
        ("DELETE FROM names", "holds a class without a usable name"),
        ("UPDATE names SET name = 'a' || char(10)", "holds a class without a usable name"),
        ("UPDATE names SET name = CAST(x'fffe' AS TEXT)", "is damaged|without a usable name"),
        ("DELETE FROM versions", "the gallery has no history"),
    ],
)
def test_forged_rows_are_refused(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes, forgery: str, message: str
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.close()
    with _sqlite(path) as db:
        db.execute(forgery)
    with Gallery.open(path) as forged, pytest.raises(ArtifactError, match=message) as refused:
        forged.support(hashes)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_a_damaged_sample_can_be_forgotten(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1), embedding(2), embedding(3)], hashes)
    with _sqlite(path) as db:
        db.execute("UPDATE embeddings SET vectors = x'00' WHERE sample_id IN (1, 2)")
    for sample_id in (1, 2):
        with pytest.raises(ArtifactError, match="restore a copy"):
            gallery.support(hashes)
        gallery.forget_sample(sample_id)
    assert [s.source for s in gallery.support(hashes).samples] == ["photo-3.jpg"]


def test_damaged_pages_are_one_line(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(n) for n in range(50)], hashes)
    gallery.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"is damaged \(.*\); expected a file that only"):
        with Gallery.open(path) as damaged:
            damaged.support(hashes)


def test_an_empty_file_becomes_a_gallery_but_cannot_be_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / "g.sqlite"
    path.touch()
    _opening_says(path, "is empty; expected a gallery: enrol something first", read_only=True)
    with Gallery.open(path) as gallery:
        assert gallery.classes() == ()


def test_a_missing_file_is_not_made_by_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "g.sqlite"
    _opening_says(path, "there is no gallery at .*: enrol something first", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_refused(tmp_path: Path) -> None:
    _opening_says(tmp_path, r"cannot be opened \(it is not a file\); expected a file that")
    (tmp_path / "file").touch()
    _opening_says(tmp_path / "file" / "g.sqlite", "cannot be opened")


def test_odd_paths_are_taken_literally(tmp_path: Path) -> None:
    path = tmp_path / "50% of #1?mode=memory" / "käse ☕.sqlite"
    Gallery.open(path).close()
    assert path.stat().st_size > 0


def test_a_gallery_that_another_process_locks_is_waited_for_and_then_named(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    with _sqlite(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArtifactError, match="is locked by another process; nothing was chan"):
            gallery.enroll("mug", [embedding(1)], hashes)
        assert gallery.classes() == ()  # readers go on
        other.execute("ROLLBACK")
    assert gallery.enroll("mug", [embedding(1)], hashes).samples == 1


def test_opening_a_gallery_that_is_locked_altogether_is_refused(path: Path) -> None:
    Gallery.open(path).close()
    with _sqlite(path) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        _opening_says(path, "is locked by another process")


def test_a_full_disk_changes_nothing(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    gallery.enroll("mug", [embedding(1)], hashes)
    before = gallery.support().digest()
    with gallery._file.usable() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ArtifactError, match="the disk is full; nothing was changed: free some"):
        gallery.enroll("cup", [embedding(n) for n in range(500)], hashes)
    assert (gallery.version, gallery.support().digest()) == (1, before)
    with gallery._file.usable() as db:
        db.execute("PRAGMA max_page_count = 100000")
    assert gallery.enroll("cup", [embedding(n) for n in range(500)], hashes).samples == 500


def _as_nobody(code: str, *arguments: object) -> str:
    """Run ``code`` in a process that has no rights beyond those the files give everybody."""
    drop = "import os, sys\nif os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
    imports = (
        "import urllib.parse\nfrom pathlib import Path\n"
        "from headstart.runtime.gallery.gallery import Gallery\n"
        "from headstart.runtime.errors import HeadstartError\npath = Path(sys.argv[1])\n"
    )
    done = subprocess.run(
        # Imported first: nobody may not be allowed to read the installation.
        [sys.executable, "-c", "import sys\n" + imports + drop + code, *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_TRY_TO_OPEN = """
try:
    with Gallery.open(path, read_only="ro" in sys.argv) as gallery:
        print([c.name for c in gallery.classes()])
except HeadstartError as error:
    print(error)
"""


def test_a_read_only_folder_is_refused_for_writing_and_fine_for_reading(
    embedding: Any, hashes: Hashes
) -> None:
    if not hasattr(os, "setuid"):
        pytest.skip("needs POSIX rights; run on Linux or macOS")
    # Not pytest's own folder: that is closed to other users.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "shared", "gallery.sqlite")
        with Gallery.open(path) as gallery:
            gallery.enroll("mug", [embedding(1)], hashes)

        def rights(of_folder: int, of_file: int) -> None:
            path.parent.chmod(of_folder)
            path.chmod(of_file)

        rights(0o555, 0o666)
        assert "lies in a read-only folder; expected one that" in _as_nobody(_TRY_TO_OPEN, path)
        assert _as_nobody(_TRY_TO_OPEN, path, "ro") == "['mug']\n"
        rights(0o555, 0o444)
        assert "cannot be opened (permission denied)" in _as_nobody(_TRY_TO_OPEN, path)
        rights(0o777, 0o444)
        assert "cannot be opened (permission denied)" in _as_nobody(_TRY_TO_OPEN, path)
        assert _as_nobody(_TRY_TO_OPEN, path, "ro") == "['mug']\n"
        rights(0o777, 0o000)
        assert "cannot be opened (permission denied)" in _as_nobody(_TRY_TO_OPEN, path, "ro")
        rights(0o700, 0o600)


def test_a_device_without_room_is_refused_and_nothing_is_lost(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes
) -> None:
    resource = pytest.importorskip("resource")
    gallery.enroll("mug", [embedding(1)], hashes)
    gallery.close()
    code = f"""
import resource, numpy as np
from headstart.runtime.embedding.embedding import Embedding, StreamViews
one = StreamViews(vectors=np.ones((50, 4096), np.float32), weights=np.ones(50, np.float32))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, {resource.RLIM_INFINITY}))
with Gallery.open(path) as gallery:
    try:
        gallery.enroll("big", [Embedding(streams={{"sound": one}})], {{"sound": "2" * 64}})
    except HeadstartError as error:
        print(error)
    print([c.name for c in gallery.classes()], gallery.version)
"""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nfrom pathlib import Path\n"
            "from headstart.runtime.gallery.gallery import Gallery\n"
            "from headstart.runtime.errors import HeadstartError\npath = Path(sys.argv[1])\n"
            + code,
            str(path),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    said, found = done.stdout.splitlines()
    assert "nothing was changed" in said
    assert found == "['mug'] 1"


def test_a_python_with_an_old_sqlite_is_told_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(MissingDependency, match=r"needs 3\.37 or newer: use a newer Python"):
        Gallery.open(path)


def _use_everything(
    gallery: Gallery, embedding: Any, hashes: Hashes
) -> Iterator[Callable[[], Any]]:
    yield lambda: gallery.support(hashes)
    yield gallery.classes
    yield gallery.history
    yield lambda: gallery.mismatches({})
    yield lambda: gallery.media(1)
    yield lambda: gallery.enroll("class 2", [embedding(9)], hashes)
    yield lambda: gallery.rename("class 1", "renamed")
    yield lambda: gallery.rollback(2)
    yield lambda: gallery.forget_sample(3)
    yield lambda: gallery.forget("class 2")
    yield lambda: gallery.forget_since(0.0)


@pytest.mark.parametrize(
    "count", [250, pytest.param(50_000, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])]
)
def test_damaged_bytes_anywhere_are_an_answer_or_one_line(
    gallery: Gallery, path: Path, embedding: Any, hashes: Hashes, count: int
) -> None:
    for number in range(3):
        gallery.enroll(f"class {number}", [embedding(number), embedding(number + 5)], hashes)
    gallery.add_negative([embedding(8)], hashes, name="class 0")
    gallery.rename("class 0", "class zero")
    gallery.rollback(3)
    gallery.close()
    whole = path.read_bytes()
    written = [place for place, byte in enumerate(whole) if byte]
    rng = random.Random(count)
    refused = 0
    for _ in range(count):
        content = bytearray(whole)
        for place in rng.choices(written, k=rng.choice([1, 1, 2, 16])):
            content[place] = rng.choice([0, 1, 255, content[place] ^ 1 << rng.randrange(8)])
        if rng.random() < 0.05:
            del content[rng.randrange(len(content)) :]
        path.write_bytes(content)
        try:
            with Gallery.open(path, timeout_s=0.01) as opened:
                for use in _use_everything(opened, embedding, hashes):
                    try:
                        use()
                    except HeadstartError as error:
                        refused += 1
                        assert "\n" not in str(error) and len(str(error)) < 600
        except ArtifactError as error:
            refused += 1
            assert "\n" not in str(error) and len(str(error)) < 600
        for beside in path.parent.iterdir():
            beside.unlink()
    assert refused > count / 2


def test_opening_a_gallery_twice_in_one_process_keeps_the_locks_of_the_first(
    gallery: Gallery, path: Path
) -> None:
    Gallery.open(path).close()
    Gallery.open(path, read_only=True).close()
    # Leaving WAL needs the file to itself: another process must not get that.
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute(sys.argv[2])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), "PRAGMA journal_mode = DELETE"],
        capture_output=True,
        text=True,
    )
    assert "database is locked" in done.stderr
    assert gallery.classes() == ()


def test_the_connection_overwrites_checks_and_waits_for_the_disk(gallery: Gallery) -> None:
    expected = {
        "secure_delete": 1,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "synchronous": 2,
        "journal_mode": "wal",
        "busy_timeout": 100,
    }
    with gallery._file.usable() as db:
        assert {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in expected} == expected
