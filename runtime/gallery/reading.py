"""Queries: what the gallery holds at one version. Call inside a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, cast

from headstart.runtime.embedding.embedding import Embedding
from headstart.runtime.errors import ArtifactError, EnrolmentError
from headstart.runtime.gallery.blobs import (
    MAX_BLOB_BYTES,
    PackedStream,
    sample_digest,
    unpack_views,
)
from headstart.runtime.gallery.names import clean_name, unknown_name
from headstart.runtime.gallery.records import (
    ROLES,
    ClassRecord,
    GallerySnapshot,
    Media,
    Mismatch,
    Role,
    SampleRecord,
    content_digest,
)
from headstart.runtime.gallery.rows import OR_EMPTY, damaged, typed_rows

MAX_TEXT_CHARACTERS = 4096
"""Longest source, burst or stream name that is stored or believed."""

MAX_MEDIA_BYTES = 64 * 2**20
"""Largest picture or clip that is kept with a sample."""

# A span lives at version :v; `p` is a span throughout this file.
_ALIVE = "p.born <= :v AND (p.died IS NULL OR p.died > :v)"
# The classes that are there at :v, with the id of their first sample.
_PRESENT = (
    "SELECT p.class_id AS id, min(p.sample_id) AS first, count(*) AS samples FROM spans p"
    f" WHERE p.role = 'support' AND {_ALIVE} GROUP BY p.class_id"
)
# What is said about a class goes with the class.
_SHOWN = (
    f"{_ALIVE} AND (p.class_id IS NULL OR p.role = 'support'"
    f" OR p.class_id IN (SELECT id FROM ({_PRESENT})))"
)


def current_version(db: sqlite3.Connection) -> int:
    """The number of the newest version."""
    (version,) = db.execute("SELECT max(version) FROM versions").fetchone()
    if not isinstance(version, int):
        raise damaged("the gallery has no history")
    return version


def check_version(db: sqlite3.Connection, version: int) -> None:
    """Refuse a version that the history does not hold.

    Raises:
        EnrolmentError: with the versions that it does hold.
    """
    last = current_version(db)
    ((first,),) = typed_rows(db, "SELECT min(version) FROM versions", (), int)
    if not first <= version <= last:
        raise EnrolmentError(
            f"the gallery holds no version {version}; expected one from {first} to {last}: look at"
            " the history"
        )


def read_classes(db: sqlite3.Connection, version: int) -> tuple[ClassRecord, ...]:
    """The classes at ``version``, in the order of their first sample."""
    streams: dict[int, dict[str, int]] = {}
    for class_id, stream, count in typed_rows(
        db,
        "SELECT p.class_id, substr(k.stream, 1, 129), count(*) FROM spans p"
        " JOIN embeddings e ON e.sample_id = p.sample_id JOIN encoders k ON k.id = e.encoder_id"
        f" WHERE p.role = 'support' AND {_ALIVE} GROUP BY p.class_id, k.stream ORDER BY k.stream",
        {"v": version},
        (int, OR_EMPTY),
        str,
        int,
    ):
        streams.setdefault(class_id, {})[stream] = count
    return tuple(
        ClassRecord(
            id=class_id,
            uid=uid.hex(),
            name=_believed_name(name),
            created_s=added_s,
            samples=samples,
            streams=streams.get(class_id, {}),
        )
        for class_id, uid, name, added_s, samples in typed_rows(
            db,
            f"WITH present AS ({_PRESENT})"
            " SELECT c.id, substr(c.uid, 1, 16), substr(p.name, 1, 999), s.added_s, present.samples"
            " FROM present JOIN classes c ON c.id = present.id"
            f" LEFT JOIN names p ON p.class_id = c.id AND {_ALIVE}"
            " JOIN samples s ON s.id = present.first ORDER BY present.first",
            {"v": version},
            int,
            bytes,
            (str, OR_EMPTY),
            float,
            int,
        )
    )


def read_class(db: sqlite3.Connection, version: int, class_id: int) -> ClassRecord:
    """One class that must be there at ``version``."""
    found = [record for record in read_classes(db, version) if record.id == class_id]
    if len(found) != 1:
        raise damaged("the gallery does not hold what it was just given")
    return found[0]


def find_class(db: sqlite3.Connection, version: int, name: str) -> int | None:
    """The id of the class that is called ``name`` (already cleaned) at ``version``."""
    rows = typed_rows(
        db,
        f"SELECT n.class_id FROM (SELECT * FROM names p WHERE p.name = :name AND {_ALIVE}) n"
        " WHERE EXISTS (SELECT 1 FROM spans p"
        f" WHERE p.class_id = n.class_id AND p.role = 'support' AND {_ALIVE})",
        {"v": version, "name": name},
        int,
    )
    return next((class_id for (class_id,) in rows), None)


def require_class(db: sqlite3.Connection, name: str) -> int:
    """The id of the class that is called ``name`` (already cleaned) now.

    Raises:
        EnrolmentError: there is none; the message names the nearest ones.
    """
    version = current_version(db)
    class_id = find_class(db, version, name)
    if class_id is None:
        raise unknown_name(name, (record.name for record in read_classes(db, version)))
    return class_id


def read_samples(
    db: sqlite3.Connection, version: int, class_id: int | None = None, role: Role | None = None
) -> tuple[SampleRecord, ...]:
    """The samples at ``version``, in the order of adding, perhaps of one class or role only.

    Raises:
        ArtifactError: a row is not what Headstart writes.
    """
    where, bound = _SHOWN, {"v": version, "max": MAX_BLOB_BYTES, "class": class_id, "role": role}
    if class_id is not None:
        where += " AND p.class_id = :class"
    if role is not None:
        where += " AND p.role = :role"
    streams: dict[int, list[PackedStream]] = {}
    for sample_id, *packed in typed_rows(
        db,
        # SQLite knows a blob's length without reading it: an oversize one never enters memory.
        "SELECT e.sample_id, substr(k.stream, 1, 129), substr(k.sha256, 1, 64), k.dim,"
        " CASE WHEN length(e.vectors) <= :max THEN e.vectors ELSE x'' END,"
        " CASE WHEN length(e.weights) <= :max THEN e.weights ELSE x'' END"
        " FROM spans p JOIN embeddings e ON e.sample_id = p.sample_id"
        f" JOIN encoders k ON k.id = e.encoder_id WHERE {where} ORDER BY e.sample_id, e.id",
        bound,
        int,
        str,
        str,
        int,
        bytes,
        bytes,
    ):
        streams.setdefault(sample_id, []).append(cast(PackedStream, tuple(packed)))
    rows = typed_rows(
        db,
        "SELECT s.id, p.class_id, p.role, substr(s.source, 1, 4097), substr(s.burst, 1, 4097),"
        " s.time_s, s.added_s, s.given_by, substr(s.digest, 1, 32)"
        f" FROM spans p JOIN samples s ON s.id = p.sample_id WHERE {where} ORDER BY s.id",
        bound,
        int,
        (int, OR_EMPTY),
        str,
        str,
        str,
        (float, OR_EMPTY),
        float,
        str,
        bytes,
    )
    return tuple(_sample(row, streams.get(row[0], [])) for row in rows)


def read_content_digest(db: sqlite3.Connection, version: int) -> str:
    """`GallerySnapshot.digest` of ``version``, without reading the embeddings."""
    classes = read_classes(db, version)
    position = {record.id: place for place, record in enumerate(classes)}
    rows = typed_rows(
        db,
        "SELECT p.role, p.class_id, s.given_by, substr(s.digest, 1, 32) FROM spans p"
        f" JOIN samples s ON s.id = p.sample_id WHERE {_SHOWN} ORDER BY s.id",
        {"v": version},
        str,
        (int, OR_EMPTY),
        str,
        bytes,
    )
    return content_digest(
        (record.name for record in classes),
        ((role, position.get(owner), by, digest.hex()) for role, owner, by, digest in rows),
    )


def read_snapshot(db: sqlite3.Connection, version: int) -> GallerySnapshot:
    """Everything at ``version``.

    Raises:
        ArtifactError: a row is not what Headstart writes.
    """
    classes, samples = read_classes(db, version), read_samples(db, version)
    ids = [sample.id for sample in samples]
    known = {record.id for record in classes}
    if (
        sorted(set(ids)) != ids
        or len(known) < len(classes)
        or any(
            (sample.class_id is None and sample.role == "support")
            or (sample.class_id is not None and sample.class_id not in known)
            for sample in samples
        )
    ):
        raise damaged("the gallery's samples and classes disagree")
    return GallerySnapshot(version=version, classes=classes, samples=samples)


def find_mismatches(
    db: sqlite3.Connection, version: int, hashes: Mapping[str, str], *, only_these: bool = False
) -> tuple[Mismatch, ...]:
    """What at ``version`` was not made by the encoders ``hashes`` (stream → SHA-256).

    Args:
        db: inside a transaction.
        version: which version to look at.
        hashes: the encoders that are wanted.
        only_these: leave streams out that ``hashes`` does not name, instead of reporting them.
    """
    encoders = typed_rows(
        db,
        "SELECT id, substr(stream, 1, 129), substr(sha256, 1, 64) FROM encoders ORDER BY id",
        (),
        int,
        str,
        str,
    )
    found: list[Mismatch] = []
    names: dict[int, str] = {}
    for encoder_id, stream, sha256 in list(encoders):
        if hashes.get(stream) == sha256 or (only_these and stream not in hashes):
            continue
        names = names or {record.id: record.name for record in read_classes(db, version)}
        found.extend(
            Mismatch(class_name=names.get(class_id), role=_role(role), stream=stream, samples=count)
            for class_id, role, count in typed_rows(
                db,
                "SELECT p.class_id, p.role, count(*) FROM embeddings e"
                " JOIN spans p ON p.sample_id = e.sample_id"
                f" WHERE e.encoder_id = :encoder AND {_SHOWN}"
                " GROUP BY p.class_id, p.role ORDER BY min(p.sample_id)",
                {"v": version, "encoder": encoder_id},
                (int, OR_EMPTY),
                str,
                int,
            )
        )
    return tuple(found)


def other_encoders(found: Sequence[Mismatch]) -> ArtifactError:
    """Make the error that names what must be enrolled again."""
    streams: dict[str, list[str]] = {}
    for mismatch in found:
        who = mismatch.role if mismatch.class_name is None else repr(mismatch.class_name)
        if mismatch.stream not in streams.setdefault(who, []):
            streams[who].append(mismatch.stream)
    shown = [f"{who} ({', '.join(of)})" for who, of in list(streams.items())[:5]]
    more = f" and {len(streams) - 5} more" if len(streams) > 5 else ""
    return ArtifactError(
        f"the gallery was made with other encoders than this bundle's: {', '.join(shown)}{more};"
        " expected embeddings of one space: forget and enrol these again, or open the bundle they"
        " were made with"
    )


def read_media(db: sqlite3.Connection, sample_id: int) -> tuple[Media, ...]:
    """What was kept of a sample, in the order in which it was given."""
    rows = typed_rows(
        db,
        "SELECT substr(kind, 1, 129), data FROM media"
        " WHERE sample_id = ? AND length(data) <= ? ORDER BY id",
        (sample_id, MAX_MEDIA_BYTES),
        str,
        bytes,
    )
    return tuple(Media(kind=kind, data=data) for kind, data in rows)


def _sample(row: tuple[Any, ...], packed: Sequence[PackedStream]) -> SampleRecord:
    sample_id, class_id, role, source, burst, time_s, added_s, given_by, digest = row
    where = f"sample {sample_id}"
    streams = {
        stream: unpack_views(vectors, weights, dim, f"{where} ({stream[:128]})")
        for stream, _, dim, vectors, weights in packed
    }
    if not streams or sample_digest(time_s, burst, packed) != digest:
        raise damaged(f"{where} is not what was enrolled")
    source, burst = _short(source), _short(burst)
    return SampleRecord(
        id=sample_id,
        class_id=class_id,
        role=_role(role),
        source=source,
        group=burst,
        added_s=added_s,
        given_by="auto" if given_by == "auto" else "person",
        embedding=Embedding(streams=streams, time_s=time_s, source=source, group=burst),
        encoders={stream: sha256 for stream, sha256, *_ in packed},
        digest=digest.hex(),
    )


def _role(role: str) -> Role:
    if role not in ROLES:
        raise ArtifactError(
            f"the gallery holds samples in the role {role[:40]!r}; expected {', '.join(ROLES)}:"
            " update Headstart, or the file is damaged"
        )
    return role


def _believed_name(name: str | None) -> str:
    try:
        clean_name(name or "")
    except EnrolmentError as error:
        raise damaged("the gallery holds a class without a usable name") from error
    return name or ""


def _short(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise damaged(f"the gallery holds a text of more than {MAX_TEXT_CHARACTERS} characters")
    return text
