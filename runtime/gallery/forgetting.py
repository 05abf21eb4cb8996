"""Forgetting as if it had never been: rows deleted from every version, bytes wiped from the files.

Nothing that is computed is stored, so deleting the rows is enough to make every statistic what it
would have been; `headstart.runtime.gallery.schema` says why order keeps no trace either.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

from headstart.runtime.gallery.reading import current_version, find_class, read_content_digest
from headstart.runtime.gallery.records import Receipt
from headstart.runtime.gallery.rows import OR_EMPTY, typed_rows
from headstart.runtime.gallery.versions import (
    drop_empty_classes,
    drop_history_before,
    new_version,
)

_PENDING = "erase_pending"
_log = logging.getLogger(__name__)


def classes_called(db: sqlite3.Connection, name: str) -> list[int]:
    """The classes to forget for ``name``: the one called so, and any that only history still holds.

    A class that lives under another name now is not among them.
    """
    living = find_class(db, current_version(db), name)
    gone = typed_rows(
        db,
        "SELECT DISTINCT class_id FROM names n WHERE name = ? AND NOT EXISTS"
        " (SELECT 1 FROM names t WHERE t.class_id = n.class_id AND t.died IS NULL)",
        (name,),
        int,
    )
    return [*([] if living is None else [living]), *(class_id for (class_id,) in gone)]


def forget_classes(
    db: sqlite3.Connection, class_ids: Sequence[int], name: str, made_s: float
) -> Receipt:
    """Delete classes with all that is stored of them, and ``name`` from the history."""
    before = _inventory(db)
    version = new_version(db, "forget", made_s)
    marks = ", ".join("?" * len(class_ids))
    # Their spans go with them, and samples that no other class or role holds go after these.
    db.execute(f"DELETE FROM classes WHERE id IN ({marks})", tuple(class_ids))
    # Another class that lives on may have borne the name before a renaming: the versions that know
    # it by that name are given up, or the name would still be in the file.
    (named,) = db.execute(
        "SELECT max(died) FROM names WHERE name = ? AND died IS NOT NULL", (name,)
    ).fetchone()
    if named is not None:
        drop_history_before(db, named)
    return _finish(db, version, made_s, before)


def forget_samples(
    db: sqlite3.Connection, where: str, values: Sequence[object], made_s: float
) -> Receipt:
    """Delete the samples that the SQL condition ``where`` picks, as if they had never been added.

    When there are none, nothing is changed and no version is made.
    """
    if db.execute(f"SELECT 1 FROM samples WHERE {where} LIMIT 1", values).fetchone() is None:
        return _receipt(db, current_version(db), made_s)
    before = _inventory(db)
    version = new_version(db, "forget", made_s)
    db.execute(f"DELETE FROM samples WHERE {where}", values)
    return _finish(db, version, made_s, before)


def erase(db: sqlite3.Connection) -> bool:
    """Wipe what earlier forgetting left in the files; True when nothing is left.

    ``secure_delete`` overwrites deleted content, but only in the newest pages: the log still holds
    older ones, and so does the file until the log is emptied into it. Rewriting the file also
    removes what another tool deleted from it without overwriting. Call outside a transaction.
    Interrupted or impossible now (disk full, somebody reading), it is taken up again by the next
    opening or change.
    """
    asked = db.execute("SELECT value FROM settings WHERE key = ?", (_PENDING,)).fetchone()
    if asked is None:
        return True
    try:
        db.execute("VACUUM")
        (blocked, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if blocked:
            raise sqlite3.OperationalError("another process is reading the old state")
        # By value: another process may have forgotten something more since, and still has to erase.
        db.execute("DELETE FROM settings WHERE key = ? AND value = ?", (_PENDING, *asked))
    except sqlite3.OperationalError as error:
        _log.warning("forgotten bytes are still in the gallery file, to be erased later: %s", error)
        return False
    return True


def _inventory(db: sqlite3.Connection) -> tuple[dict[int, bytes], set[int]]:
    query = "SELECT id, substr(digest, 1, 32) FROM samples ORDER BY id"
    # A sample that is damaged must be possible to forget.
    samples = dict(typed_rows(db, query, (), int, (bytes, str, OR_EMPTY)))
    digests = {key: bytes(d) if isinstance(d, bytes) else b"" for key, d in samples.items()}
    return digests, {class_id for (class_id,) in db.execute("SELECT id FROM classes")}


def _finish(
    db: sqlite3.Connection, version: int, made_s: float, before: tuple[dict[int, bytes], set[int]]
) -> Receipt:
    drop_empty_classes(db, version)
    db.execute(
        "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (_PENDING, str(version)),
    )
    samples, classes = _inventory(db)
    digests = tuple(digest.hex() for key, digest in before[0].items() if key not in samples)
    return _receipt(db, version, made_s, len(before[1] - classes), digests)


def _receipt(
    db: sqlite3.Connection,
    version: int,
    made_s: float,
    classes: int = 0,
    digests: tuple[str, ...] = (),
) -> Receipt:
    return Receipt(
        kind="forget",
        version=version,
        made_s=made_s,
        classes=classes,
        samples=len(digests),
        sample_digests=digests,
        content_digest=read_content_digest(db, version),
    )
