"""The tables of a gallery file, and the check that a file holds exactly these.

How versions work. Nothing that a person may want back is overwritten: a sample's embeddings are
written once, and a *span* says from which version (``born``) up to which (``died``, exclusive;
NULL while it lives) the sample belongs to a class in a role. Names have spans too. The gallery at
version v is then one query, rolling back is closing and opening spans, and forgetting is deleting
rows, with no snapshot, log or diff anywhere else that could still hold them. Copies of the whole
gallery per version, or a log of inverse operations, would have to be rewritten to forget exactly.

A class is there at a version when a support sample of it is: so a class whose every sample was
forgotten was never there, at no version.

Order is the samples' ids: they only ever rise (AUTOINCREMENT), so rows that are gone leave no trace
in the order of those that stay. A class stands where its first living sample stands.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter

from headstart.runtime.errors import ArtifactError

APPLICATION_ID = 0x48535447
"""``HSTG`` in the file's header: tells a gallery from any other SQLite file."""

SCHEMA_VERSION = 1
"""Stored as ``user_version``. A later schema is these statements followed by its own steps, on new
files too, so that migrated and new files hold the same text."""

STATEMENTS = (
    # Facts about the file itself, never about what is enrolled.
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE classes (id INTEGER PRIMARY KEY AUTOINCREMENT, uid BLOB NOT NULL UNIQUE) STRICT",
    # No text in here: what a version did is read from the spans, so it is forgotten with them.
    "CREATE TABLE versions (version INTEGER PRIMARY KEY, kind TEXT NOT NULL, made_s REAL NOT NULL,"
    " class_id INTEGER REFERENCES classes (id) ON DELETE SET NULL, target INTEGER) STRICT",
    "CREATE TABLE names (id INTEGER PRIMARY KEY,"
    " class_id INTEGER NOT NULL REFERENCES classes (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, born INTEGER NOT NULL, died INTEGER) STRICT",
    "CREATE TABLE samples (id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL,"
    " burst TEXT NOT NULL, time_s REAL, added_s REAL NOT NULL, given_by TEXT NOT NULL,"
    " digest BLOB NOT NULL) STRICT",
    "CREATE TABLE spans (id INTEGER PRIMARY KEY,"
    " sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,"
    " class_id INTEGER REFERENCES classes (id) ON DELETE CASCADE,"
    " role TEXT NOT NULL, born INTEGER NOT NULL, died INTEGER) STRICT",
    "CREATE TABLE encoders (id INTEGER PRIMARY KEY, stream TEXT NOT NULL, sha256 TEXT NOT NULL,"
    " dim INTEGER NOT NULL, UNIQUE (stream, sha256)) STRICT",
    "CREATE TABLE embeddings (id INTEGER PRIMARY KEY,"
    " sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,"
    " encoder_id INTEGER NOT NULL REFERENCES encoders (id),"
    " vectors BLOB NOT NULL, weights BLOB NOT NULL, UNIQUE (sample_id, encoder_id)) STRICT",
    "CREATE TABLE media (id INTEGER PRIMARY KEY,"
    " sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,"
    " kind TEXT NOT NULL, data BLOB NOT NULL) STRICT",
    "CREATE UNIQUE INDEX living_names ON names (name) WHERE died IS NULL",
    "CREATE INDEX names_of_class ON names (class_id)",
    "CREATE INDEX versions_of_class ON versions (class_id)",
    "CREATE INDEX spans_of_sample ON spans (sample_id)",
    "CREATE INDEX spans_of_class ON spans (class_id)",
    "CREATE INDEX spans_born ON spans (born)",
    "CREATE INDEX spans_ended ON spans (died) WHERE died IS NOT NULL",
    "CREATE INDEX embeddings_of_encoder ON embeddings (encoder_id)",
    "CREATE INDEX media_of_sample ON media (sample_id)",
)


def is_blank(db: sqlite3.Connection) -> bool:
    """Tell whether the file holds nothing at all, not even another program's mark."""
    marks = (_pragma(db, "application_id"), _pragma(db, "user_version"))
    (objects,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return marks == (0, 0) and objects == 0


def create_tables(db: sqlite3.Connection, made_s: float) -> None:
    """Lay an empty gallery into a blank file. Call inside a transaction: all of it, or none."""
    for statement in STATEMENTS:
        db.execute(statement)
    db.execute("INSERT INTO versions (version, kind, made_s) VALUES (0, 'create', ?)", (made_s,))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def check_tables(db: sqlite3.Connection, path: str) -> None:
    """Refuse a file that is not exactly a gallery of this schema.

    Comparing the text of every table also keeps out triggers and views, which a stranger's file
    could otherwise run inside our own statements.

    Raises:
        ArtifactError: another program's file, a newer schema, or tables that were changed.
    """
    if _pragma(db, "application_id") != APPLICATION_ID:
        raise ArtifactError(
            f"{path} is an SQLite file of another program; expected a Headstart gallery: give"
            " another path"
        )
    schema = _pragma(db, "user_version")
    if schema > SCHEMA_VERSION:
        raise ArtifactError(
            f"{path} has gallery schema {schema}; this version of Headstart reads up to"
            f" {SCHEMA_VERSION}: update Headstart"
        )
    found = db.execute("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    if schema < 1 or Counter(row[0] for row in found) != Counter(STATEMENTS):
        raise ArtifactError(
            f"{path} does not have the tables of gallery schema {schema}; expected a file that only"
            " Headstart has written: it is damaged or forged, restore a copy"
        )


def use_wal(db: sqlite3.Connection, timeout_s: float) -> None:
    """Switch the file to write-ahead logging, which lets readers go on while one process writes.

    SQLite does not wait for other connections here, so two processes that make the file together
    would fail: try again for ``timeout_s`` seconds.
    """
    give_up_s = time.monotonic() + timeout_s
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up_s:
                raise
            time.sleep(0.01)


def _pragma(db: sqlite3.Connection, name: str) -> int:
    (value,) = db.execute(f"PRAGMA {name}").fetchone()
    return int(value)
