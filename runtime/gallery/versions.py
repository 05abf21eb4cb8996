"""Every change is a version: making one, going back to one, and forgetting the oldest."""

from __future__ import annotations

import sqlite3

from headstart.runtime.errors import EnrolmentError
from headstart.runtime.gallery.reading import check_version, current_version
from headstart.runtime.gallery.records import VersionRecord
from headstart.runtime.gallery.rows import OR_EMPTY, typed_rows

KEPT_VERSIONS = 100
"""How many versions back one can go. What only older versions held is deleted with them, so the
file grows with what is enrolled and not with how often it was changed."""


def new_version(
    db: sqlite3.Connection,
    kind: str,
    made_s: float,
    class_id: int | None = None,
    target: int | None = None,
) -> int:
    """Write the next entry of the history and return its number."""
    version = current_version(db) + 1
    db.execute(
        "INSERT INTO versions (version, kind, made_s, class_id, target) VALUES (?, ?, ?, ?, ?)",
        (version, kind, made_s, class_id, target),
    )
    return version


def go_back(db: sqlite3.Connection, target: int, made_s: float) -> tuple[int, int]:
    """Make a new version that holds what ``target`` held.

    Returns:
        ``(new version, samples that came or left)``.

    Raises:
        EnrolmentError: the history does not hold ``target``, or it is the current version.
    """
    check_version(db, target)
    now = current_version(db)
    if target == now:
        raise EnrolmentError(
            f"the gallery is at version {target} already; expected an earlier one: look at the"
            " history"
        )
    version = new_version(db, "rollback", made_s, target=target)
    moved = 0
    for table, same in (
        ("spans", "t.sample_id = p.sample_id AND t.class_id IS p.class_id AND t.role = p.role"),
        ("names", "t.class_id = p.class_id AND t.name = p.name"),
    ):
        columns = "sample_id, class_id, role" if table == "spans" else "class_id, name"
        bound = {"new": version, "target": target}
        then = "{0}.born <= :target AND ({0}.died IS NULL OR {0}.died > :target)"
        left = db.execute(
            f"UPDATE {table} AS p SET died = :new WHERE p.died IS NULL AND NOT EXISTS"
            f" (SELECT 1 FROM {table} t WHERE {same} AND {then.format('t')})",
            bound,
        )
        came = db.execute(
            f"INSERT INTO {table} ({columns}, born) SELECT {columns}, :new FROM {table} p"
            f" WHERE {then.format('p')} AND NOT EXISTS"
            f" (SELECT 1 FROM {table} t WHERE {same} AND t.died IS NULL) ORDER BY p.id",
            bound,
        )
        moved += left.rowcount + came.rowcount if table == "spans" else 0
    drop_empty_classes(db, version)
    return version, moved


def drop_empty_classes(db: sqlite3.Connection, version: int) -> None:
    """Leave no name and no negative at ``version`` whose class has no sample there.

    A class without a sample at any version goes altogether.
    """
    db.execute(
        "DELETE FROM classes WHERE NOT EXISTS (SELECT 1 FROM spans p"
        " WHERE p.class_id = classes.id AND p.role = 'support')"
    )
    present = "SELECT class_id FROM spans WHERE role = 'support' AND died IS NULL"
    for table in ("names", "spans"):
        db.execute(
            f"UPDATE {table} SET died = ? WHERE died IS NULL AND class_id IS NOT NULL"
            f" AND class_id NOT IN ({present})",
            (version,),
        )
        db.execute(f"DELETE FROM {table} WHERE died <= born")
    delete_orphans(db)


def delete_orphans(db: sqlite3.Connection) -> None:
    """Delete samples that belong to no version, and classes that no version names."""
    db.execute(
        "DELETE FROM samples WHERE NOT EXISTS"
        " (SELECT 1 FROM spans WHERE spans.sample_id = samples.id)"
    )
    db.execute(
        "DELETE FROM classes WHERE NOT EXISTS"
        " (SELECT 1 FROM names WHERE names.class_id = classes.id)"
    )


def drop_history_before(db: sqlite3.Connection, oldest: int) -> None:
    """Delete the versions before ``oldest`` and what nothing since then holds."""
    if db.execute("DELETE FROM versions WHERE version < ?", (oldest,)).rowcount == 0:
        return
    ended = 0
    for table in ("spans", "names"):
        ended += db.execute(f"DELETE FROM {table} WHERE died <= ?", (oldest,)).rowcount
    if ended:
        delete_orphans(db)


def read_history(db: sqlite3.Connection) -> tuple[VersionRecord, ...]:
    """Every kept version, oldest first."""
    return tuple(
        VersionRecord(
            version=version,
            kind=kind,
            made_s=made_s,
            class_name=name,
            added=added,
            removed=removed,
            target=target,
        )
        for version, kind, made_s, name, added, removed, target in typed_rows(
            db,
            "SELECT v.version, substr(v.kind, 1, 99), v.made_s,"
            " (SELECT substr(n.name, 1, 200) FROM names n WHERE n.class_id = v.class_id"
            "  AND n.born <= v.version AND (n.died IS NULL OR n.died > v.version)),"
            " (SELECT count(*) FROM spans p WHERE p.born = v.version),"
            " (SELECT count(*) FROM spans p WHERE p.died = v.version),"
            " v.target FROM versions v ORDER BY v.version",
            (),
            int,
            str,
            float,
            (str, OR_EMPTY),
            int,
            int,
            (int, OR_EMPTY),
        )
    )
