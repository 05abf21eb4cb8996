"""Opening a gallery file with SQLite, and saying in our own words what went wrong."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headstart.runtime.errors import ArtifactError, MissingDependency
from headstart.runtime.gallery.schema import check_tables, create_tables, is_blank, use_wal

# Strict tables (2021), so that a column holds what its declaration says.
_OLDEST_SQLITE = (3, 37, 0)
_MAKING = threading.Lock()

# Python 3.10 has no error codes on its exceptions; SQLite's English messages are stable.
_REASONS = (
    ("locked", "is locked by another process; nothing was changed: try again when it is done"),
    ("busy", "is locked by another process; nothing was changed: try again when it is done"),
    ("full", "cannot grow, the disk is full; nothing was changed: free some space and try again"),
    ("readonly", "is read-only; nothing was changed: check the rights of the file and its folder"),
    (
        "unable to open",
        "cannot be opened; expected a file in a folder that this user may read and write: check"
        " the path and its rights",
    ),
    (
        "disk i/o",
        "cannot be read or written, the disk reports an error; nothing was changed: check the disk"
        " and its free space",
    ),
    (
        "not a database",
        "is not a gallery; expected an SQLite file made by Headstart: check the path",
    ),
)


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn every SQLite error inside the block into one ``ArtifactError`` line."""
    try:
        yield
    # SQLite quotes the file in its messages, and Python insists that these are UTF-8.
    except (sqlite3.Error, UnicodeDecodeError) as error:
        said = str(error).lower()
        for sign, reason in _REASONS:
            if sign in said:
                raise ArtifactError(f"the gallery {str(path)!r} {reason}") from error
        raise ArtifactError(
            f"the gallery {str(path)!r} is damaged ({str(error)[:100]!r}); expected a file that"
            " only Headstart has written: restore a copy"
        ) from error


def connect(
    path: Path, *, read_only: bool, timeout_s: float, clock: Callable[[], float]
) -> sqlite3.Connection:
    """Open ``path`` as a gallery; unless ``read_only``, make the file and its folder if missing.

    Raises:
        ArtifactError: there is no such file, it is not a gallery, it is newer, locked, damaged or
            not writable.
        MissingDependency: Python's SQLite is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise MissingDependency(
            f"this Python has SQLite {sqlite3.sqlite_version}; the gallery needs 3.37 or newer:"
            " use a newer Python or system"
        )
    _check_file(path, read_only=read_only)
    with sqlite_errors(path):
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?{_mode(path, read_only=read_only)}",
            uri=True,
            timeout=timeout_s,
            isolation_level=None,
            # The gallery has its own lock, so any thread may use it.
            check_same_thread=False,
        )
        try:
            _prepare(db, path, read_only=read_only, timeout_s=timeout_s, clock=clock)
        except BaseException:
            db.close()
            raise
    return db


def _check_file(path: Path, *, read_only: bool) -> None:
    # Only looks: when a process closes a file, all its locks on that file are gone (POSIX), those
    # of a gallery that is open elsewhere in this process too, and SQLite would lose its way.
    try:
        if not read_only:
            _make_file(path)
        facts = path.stat()
    except FileNotFoundError as error:
        raise ArtifactError(
            f"there is no gallery at {str(path)!r}; expected a file made by Headstart: enrol"
            " something first, or check the path"
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _unusable(path, reason) from error
    if not stat.S_ISREG(facts.st_mode):
        raise _unusable(path, "it is not a file")
    # SQLite takes a file shorter than its smallest page for an empty one and writes over it.
    if 0 < facts.st_size < 512:
        raise ArtifactError(
            f"the gallery {str(path)!r} is not a gallery; expected an SQLite file made by"
            " Headstart: check the path"
        )
    if not os.access(path, os.R_OK if read_only else os.R_OK | os.W_OK):
        raise _unusable(path, "permission denied")
    if not read_only and not os.access(path.parent, os.W_OK):
        raise ArtifactError(
            f"the gallery {str(path)!r} lies in a read-only folder; expected one that this user may"
            " write: check its rights or choose another place"
        )


def _make_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # One thread at a time, so that no other has opened the new file before this one closes it.
    with _MAKING, suppress(FileExistsError):
        # Faces and voices: other users may not read them unless the owner says so.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _unusable(path: Path, reason: str) -> ArtifactError:
    return ArtifactError(
        f"the gallery {str(path)!r} cannot be opened ({reason}); expected a file that this user may"
        " read, and write to change it: check the path and its rights"
    )


def _mode(path: Path, *, read_only: bool) -> str:
    if not read_only:
        return "mode=rw"
    # Even a reader keeps an index beside a WAL file. Where the folder cannot be written and no
    # log is waiting, nobody can be writing there, so SQLite may read the bare file.
    log = path.with_name(path.name + "-wal")
    frozen = not os.access(path.parent, os.W_OK) and not log.exists()
    return "mode=ro&immutable=1" if frozen else "mode=ro"


def _prepare(
    db: sqlite3.Connection,
    path: Path,
    *,
    read_only: bool,
    timeout_s: float,
    clock: Callable[[], float],
) -> None:
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA secure_delete = ON")
    # A committed enrolment must survive the plug being pulled, not only the process dying.
    db.execute("PRAGMA synchronous = FULL")
    if not read_only:
        if is_blank(db):
            db.execute("BEGIN IMMEDIATE")
            try:
                if is_blank(db):  # nobody was faster
                    create_tables(db, clock())
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
        check_tables(db, repr(str(path)))
        use_wal(db, timeout_s)
    elif is_blank(db):
        raise ArtifactError(f"{str(path)!r} is empty; expected a gallery: enrol something first")
    else:
        check_tables(db, repr(str(path)))
