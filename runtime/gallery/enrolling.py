"""Writing samples into the gallery. Call inside a write transaction."""

from __future__ import annotations

import math
import re
import secrets
import sqlite3
from collections.abc import Mapping, Sequence

from headstart.runtime.embedding.embedding import Embedding
from headstart.runtime.errors import EnrolmentError
from headstart.runtime.gallery.blobs import PackedStream, pack_views, sample_digest
from headstart.runtime.gallery.reading import (
    MAX_MEDIA_BYTES,
    MAX_TEXT_CHARACTERS,
    current_version,
    find_mismatches,
    other_encoders,
)
from headstart.runtime.gallery.records import GivenBy, Media, Role

MediaPerSample = Sequence[Sequence[Media]]
"""What to keep of each sample, in the order of the embeddings; an empty entry keeps nothing."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_enrolment(
    embeddings: Sequence[Embedding], hashes: Mapping[str, str], media: MediaPerSample | None
) -> None:
    """Refuse what cannot be stored, before anything is written.

    Raises:
        EnrolmentError: no sample, an encoder hash missing or malformed, media that do not belong
            to the samples, or a text or time that cannot be stored.
    """
    if not embeddings:
        raise EnrolmentError("no sample was given; expected at least one: show the thing once more")
    if media is not None and len(media) != len(embeddings):
        raise EnrolmentError(
            f"{len(embeddings)} samples came with media for {len(media)}; expected one entry a"
            " sample: pass an empty entry where nothing is to be kept"
        )
    for stream in {stream for embedding in embeddings for stream in embedding.streams}:
        if not _SHA256.fullmatch(hashes.get(stream, "")) or not 0 < len(stream) <= 128:
            raise EnrolmentError(
                f"the {stream[:128]!r} stream came with the encoder hash {hashes.get(stream)!r};"
                " expected 64 hexadecimal digits: pass the SHA-256 from the encoder's spec"
            )
    for embedding in embeddings:
        if embedding.time_s is not None and not math.isfinite(embedding.time_s):
            raise EnrolmentError(
                f"a sample's time is {embedding.time_s}; expected seconds, or None for stills"
            )
        if max(len(_storable(embedding.source)), len(_storable(embedding.group))) > (
            MAX_TEXT_CHARACTERS
        ):
            raise EnrolmentError(
                f"a sample's source or group is longer than {MAX_TEXT_CHARACTERS} characters;"
                f" expected a path or address, got {embedding.source[:60]!r}"
            )
    for item in (item for kept in media or () for item in kept):
        if len(item.data) > MAX_MEDIA_BYTES or not 0 < len(item.kind) <= 128:
            raise EnrolmentError(
                f"a kept medium of kind {item.kind[:60]!r} has {len(item.data)} bytes; expected a"
                f" media type and at most {MAX_MEDIA_BYTES} bytes: keep a smaller picture or clip"
            )


def new_class(db: sqlite3.Connection) -> int:
    """Make a class that has no name and no sample yet, and return its id."""
    made = db.execute("INSERT INTO classes (uid) VALUES (?)", (secrets.token_bytes(16),))
    return int(made.lastrowid or 0)


def set_name(db: sqlite3.Connection, class_id: int, name: str, version: int) -> None:
    """Give a class the name (already cleaned and free) that it has from ``version`` on."""
    db.execute("UPDATE names SET died = ? WHERE class_id = ? AND died IS NULL", (version, class_id))
    db.execute(
        "INSERT INTO names (class_id, name, born) VALUES (?, ?, ?)", (class_id, name, version)
    )


def add_samples(
    db: sqlite3.Connection,
    embeddings: Sequence[Embedding],
    hashes: Mapping[str, str],
    media: MediaPerSample | None,
    *,
    role: Role,
    class_id: int | None,
    given_by: GivenBy,
    version: int,
    made_s: float,
) -> None:
    """Write samples that ``check_enrolment`` has passed, born at ``version``.

    Raises:
        EnrolmentError: an embedding's numbers cannot be stored, or its length is not the encoder's.
        ArtifactError: the gallery lives in the space of other encoders: one gallery, one space.
    """
    found = find_mismatches(db, current_version(db), hashes, only_these=True)
    if found:
        raise other_encoders(found)
    for position, embedding in enumerate(embeddings):
        sample_id = _add_sample(db, embedding, hashes, given_by, made_s)
        db.execute(
            "INSERT INTO spans (sample_id, class_id, role, born) VALUES (?, ?, ?, ?)",
            (sample_id, class_id, role, version),
        )
        db.executemany(
            "INSERT INTO media (sample_id, kind, data) VALUES (?, ?, ?)",
            [(sample_id, item.kind, item.data) for item in (media[position] if media else ())],
        )


def _add_sample(
    db: sqlite3.Connection,
    embedding: Embedding,
    hashes: Mapping[str, str],
    given_by: GivenBy,
    made_s: float,
) -> int:
    group = _storable(embedding.group)
    # SQLite has one zero and no whole real numbers: store what will be read back.
    time_s = None if embedding.time_s is None else float(embedding.time_s) + 0.0
    packed: list[PackedStream] = [
        (stream, hashes[stream], views.vectors.shape[1], *pack_views(stream, views))
        for stream, views in embedding.streams.items()
    ]
    written = db.execute(
        "INSERT INTO samples (source, burst, time_s, added_s, given_by, digest)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            _storable(embedding.source),
            group,
            time_s,
            made_s,
            given_by,
            sample_digest(time_s, group, packed),
        ),
    )
    sample_id = int(written.lastrowid or 0)
    db.executemany(
        "INSERT INTO embeddings (sample_id, encoder_id, vectors, weights) VALUES (?, ?, ?, ?)",
        [
            (sample_id, _encoder(db, stream, sha256, dim), vectors, weights)
            for stream, sha256, dim, vectors, weights in packed
        ],
    )
    return sample_id


def _encoder(db: sqlite3.Connection, stream: str, sha256: str, dim: int) -> int:
    db.execute(
        "INSERT INTO encoders (stream, sha256, dim) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (stream, sha256, dim),
    )
    encoder_id, known = db.execute(
        "SELECT id, dim FROM encoders WHERE stream = ? AND sha256 = ?", (stream, sha256)
    ).fetchone()
    if known != dim:
        raise EnrolmentError(
            f"the {stream} encoder gave embeddings of length {dim}; the gallery has length {known}"
            " from the same encoder: check the model file"
        )
    return int(encoder_id)


def _storable(text: str) -> str:
    # A file name that is not UTF-8 arrives with lone surrogates, which SQLite cannot store.
    return text.encode("utf-8", "backslashreplace").decode()
