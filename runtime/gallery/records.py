"""The values that a gallery takes and gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from headstart.runtime.embedding.embedding import Embedding

Role = Literal["support", "negative", "background"]
"""``support``: shows its class. ``negative``: "not this", for one class or for all.
``background``: something of the site that no class stands for."""

ROLES: tuple[Role, ...] = ("support", "negative", "background")

GivenBy = Literal["person", "auto"]
"""Who vouches for a sample: a person who named it, or the product itself."""


@dataclass(frozen=True, kw_only=True)
class ClassRecord:
    """One enrolled class.

    Args:
        id: stable for the life of this gallery file, never given to another class.
        uid: 32 hexadecimal digits, stable across devices.
        name: display name; can change.
        created_s: when its first remaining sample was added, seconds since 1970 (UTC).
        samples: how many support samples it has, ≥ 1.
        streams: stream → how many of these samples have it.
        existed: in the answer of ``enroll``: the class was there before, samples were added to it.
    """

    id: int
    uid: str
    name: str
    created_s: float
    samples: int
    streams: Mapping[str, int]
    existed: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleRecord:
    """One stored sample.

    Args:
        id: rises in the order in which samples were added; never given to another sample.
        class_id: the class it shows (support) or must not be taken for (negative); None where it
            concerns none or all of them.
        role: why it is stored.
        source: where it came from, for people to read.
        group: samples of one burst share it; empty when the sample stands alone.
        added_s: when it was added, seconds since 1970 (UTC).
        given_by: who vouches for it.
        embedding: its raw encoder outputs, as rounded to float16 in the file.
        encoders: stream → SHA-256 of the encoder that made it.
        digest: SHA-256 of embedding, encoders, time and group, in hexadecimal.
    """

    id: int
    class_id: int | None
    role: Role
    source: str
    group: str
    added_s: float
    given_by: GivenBy
    embedding: Embedding
    encoders: Mapping[str, str]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Media:
    """An encoded picture or clip that is kept with a sample because the user asked for it.

    Args:
        kind: media type, such as ``image/jpeg`` or ``audio/flac``.
        data: the encoded bytes.
    """

    kind: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class VersionRecord:
    """One entry of the history.

    Args:
        version: its number; 0 is the empty gallery.
        kind: ``create``, ``enroll``, ``negative``, ``background``, ``rename``, ``forget`` or
            ``rollback``.
        made_s: seconds since 1970 (UTC) on the device's clock at that time.
        class_name: the class concerned, by its name just after the change; None when the change
            concerns no single class or that class was forgotten since.
        added: samples that came with this version and are still stored.
        removed: samples that left with this version and are still stored for rollback.
        target: the version that a rollback went back to; None for other kinds.
    """

    version: int
    kind: str
    made_s: float
    class_name: str | None
    added: int
    removed: int
    target: int | None


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a change did, without personal data.

    Args:
        kind: as in ``VersionRecord``.
        version: the gallery's version after it.
        made_s: when, seconds since 1970 (UTC).
        classes: how many classes were changed or forgotten.
        samples: how many samples came, left or were forgotten.
        sample_digests: SHA-256 of the content of each forgotten sample, in order.
        content_digest: ``GallerySnapshot.digest`` after the change; of a forget, so that anyone can
            compare with a gallery that never saw it. Empty for other changes.
        erased: of a forget: True when the bytes are gone from the files, False when another process
            was reading or the disk was full, so that the next opening or change erases them.
    """

    kind: str
    version: int
    made_s: float
    classes: int = 0
    samples: int = 0
    sample_digests: tuple[str, ...] = ()
    content_digest: str = ""
    erased: bool = True


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """Samples that other encoders made.

    Args:
        class_name: the class; None for negatives and background that belong to none.
        role: what these samples are stored for.
        stream: the stream whose encoder differs or is absent.
        samples: how many of them.
    """

    class_name: str | None
    role: Role
    stream: str
    samples: int


@dataclass(frozen=True, kw_only=True, eq=False)
class GallerySnapshot:
    """Everything that statistics are computed from, read at one instant.

    Args:
        version: the version that was read.
        classes: in the order in which their first remaining support samples were added. Compute
            with positions in this tuple, never with ids: ids tell what was forgotten, positions
            do not.
        samples: all roles, in the order in which they were added.
    """

    version: int
    classes: tuple[ClassRecord, ...]
    samples: tuple[SampleRecord, ...]

    def class_position(self) -> dict[int, int]:
        """Class id → position in ``classes``."""
        return {record.id: position for position, record in enumerate(self.classes)}

    def digest(self) -> str:
        """SHA-256 of names, order, roles, groups, times and embeddings; not of ids and dates.

        Two galleries with the same digest give bit-identical statistics.
        """
        position = self.class_position()
        return content_digest(
            (record.name for record in self.classes),
            (
                (s.role, None if s.class_id is None else position[s.class_id], s.given_by, s.digest)
                for s in self.samples
            ),
        )


def content_digest(
    names: Iterable[str], samples: Iterable[tuple[str, int | None, str, str]]
) -> str:
    """SHA-256 of a gallery's content.

    Args:
        names: of the classes, in their order.
        samples: role, position of the class, who gave it, digest; in the order of adding.
    """
    running = hashlib.sha256()
    for name in names:
        running.update(repr(("class", name)).encode())
    for sample in samples:
        running.update(repr(sample).encode())
    return running.hexdigest()
