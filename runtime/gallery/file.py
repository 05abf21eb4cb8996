"""One open gallery file: transactions, turns between threads, erasing after a change."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from headstart.runtime.errors import ArtifactError
from headstart.runtime.gallery.connection import connect, sqlite_errors
from headstart.runtime.gallery.forgetting import erase
from headstart.runtime.gallery.reading import current_version
from headstart.runtime.gallery.versions import drop_history_before


class GalleryFile:
    """The file behind a gallery. Any thread may use it; transactions on one object take turns.

    Args:
        path: the file; made together with its folder when missing, unless ``read_only``.
        read_only: never write.
        timeout_s: how long to wait for another process.
        clock: gives seconds since 1970 (UTC).
        kept_versions: how many versions back the history reaches, ≥ 1.

    Raises:
        ArtifactError: see `headstart.runtime.gallery.connection.connect`.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool,
        timeout_s: float,
        clock: Callable[[], float],
        kept_versions: int,
    ) -> None:
        self.path = path
        self.read_only = read_only
        self.erased = True
        """Whether the last change left no forgotten bytes in the files."""
        self._clock = clock
        self._kept_versions = kept_versions
        self._closed = False
        self._lock = threading.RLock()
        self._db = connect(path, read_only=read_only, timeout_s=timeout_s, clock=clock)
        if not read_only:
            try:
                with self.usable() as db:
                    self.erased = erase(db)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        with self._lock:
            self._closed = True
            self._db.close()

    @contextmanager
    def usable(self) -> Iterator[sqlite3.Connection]:
        """The connection for one statement, without a transaction."""
        with self._lock:
            if self._closed:
                raise ArtifactError(
                    f"the gallery {str(self.path)!r} was closed; open it again to use it"
                )
            with sqlite_errors(self.path):
                yield self._db

    @contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """``(connection, current version)`` for reading at one instant, whatever others write."""
        with self.usable() as db:
            db.execute("BEGIN")
            try:
                yield db, current_version(db)
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    @contextmanager
    def changing(self) -> Iterator[tuple[sqlite3.Connection, float]]:
        """``(connection, time of the change)`` for one change: all of it, or none if it raises."""
        if self.read_only:
            raise ArtifactError(
                f"the gallery {str(self.path)!r} was opened for reading only; open it for"
                " writing to change it"
            )
        with self.usable() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db, self._clock()
                drop_history_before(db, current_version(db) - self._kept_versions)
                db.execute("COMMIT")
            finally:
                # A full disk makes SQLite roll back by itself.
                if db.in_transaction:
                    db.execute("ROLLBACK")
            self.erased = erase(db)
