"""All that one device has enrolled, in one SQLite file that several processes may use at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from headstart.runtime.embedding.embedding import Embedding
from headstart.runtime.errors import EnrolmentError
from headstart.runtime.gallery.enrolling import (
    MediaPerSample,
    add_samples,
    check_enrolment,
    new_class,
    set_name,
)
from headstart.runtime.gallery.file import GalleryFile
from headstart.runtime.gallery.forgetting import (
    classes_called,
    forget_classes,
    forget_samples,
)
from headstart.runtime.gallery.names import clean_name, new_name
from headstart.runtime.gallery.reading import (
    check_version,
    current_version,
    find_class,
    find_mismatches,
    other_encoders,
    read_class,
    read_classes,
    read_media,
    read_samples,
    read_snapshot,
    require_class,
)
from headstart.runtime.gallery.records import (
    ClassRecord,
    GallerySnapshot,
    GivenBy,
    Media,
    Mismatch,
    Receipt,
    Role,
    SampleRecord,
    VersionRecord,
)
from headstart.runtime.gallery.versions import (
    KEPT_VERSIONS,
    go_back,
    new_version,
    read_history,
)

BUSY_TIMEOUT_S = 5.0
"""How long a call waits for another process that is writing."""


class Gallery:
    """One gallery file. Make it with `Gallery.open`, close it when done (or use ``with``).

    Every method is one transaction: it happens wholly or not at all, also when the process is
    killed or the disk is full, and what it reads is of one instant. Readers go on while one process
    writes. Any thread may call; calls on one object take turns.

    Every method raises `ArtifactError` when the file is locked by another process for longer than
    the timeout, damaged, read-only, or the disk is full.
    """

    def __init__(self, file: GalleryFile) -> None:
        self._file = file

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        read_only: bool = False,
        timeout_s: float = BUSY_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
        kept_versions: int = KEPT_VERSIONS,
    ) -> Gallery:
        """Open a gallery; unless ``read_only``, make the file and its folder when they are missing.

        Args:
            path: the file.
            read_only: never write; the file must be there.
            timeout_s: how long each call waits for another process.
            clock: gives seconds since 1970 (UTC), for the dates in the file. Nothing is ordered by
                them, so a clock that is set back does no harm.
            kept_versions: how many versions back `rollback` can go, ≥ 1.

        Raises:
            ArtifactError: not a gallery, another program's SQLite file, a newer schema, damaged,
                missing, locked, or not readable or writable as asked.
        """
        return cls(
            GalleryFile(
                path,
                read_only=read_only,
                timeout_s=timeout_s,
                clock=clock,
                kept_versions=kept_versions,
            )
        )

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._file.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def read_only(self) -> bool:
        """Whether changes are refused."""
        return self._file.read_only

    @property
    def version(self) -> int:
        """The current version: rises with every change by any process.

        It takes microseconds, so a running recogniser may ask before each decision and refit when
        the number is another one.
        """
        with self._file.usable() as db:
            return current_version(db)

    def classes(self) -> tuple[ClassRecord, ...]:
        """The enrolled classes, in the order in which they were."""
        with self._file.reading() as (db, now):
            return read_classes(db, now)

    def samples(
        self, class_id: int | None = None, *, role: Role | None = None
    ) -> tuple[SampleRecord, ...]:
        """The stored samples in the order of adding, perhaps of one class or role only."""
        with self._file.reading() as (db, now):
            return read_samples(db, now, class_id, role)

    def support(
        self, hashes: Mapping[str, str] | None = None, *, version: int | None = None
    ) -> GallerySnapshot:
        """Everything that a head, its thresholds and its temperature are fitted on.

        Args:
            hashes: stream → SHA-256 of the encoders in use. None takes what is there, for looking
                at; whoever computes with embeddings must say whose they have to be.
            version: an earlier version instead of the current one.

        Raises:
            ArtifactError: something in it was made by other encoders; the message names the
                classes.
            EnrolmentError: there is no such version.
        """
        with self._file.reading() as (db, now):
            wanted = now if version is None else version
            check_version(db, wanted)
            found = () if hashes is None else find_mismatches(db, wanted, hashes)
            if found:
                raise other_encoders(found)
            return read_snapshot(db, wanted)

    def mismatches(self, hashes: Mapping[str, str]) -> tuple[Mismatch, ...]:
        """What others than the encoders ``hashes`` (stream → SHA-256) made: enrol it again."""
        with self._file.reading() as (db, now):
            return find_mismatches(db, now, hashes)

    def media(self, sample_id: int) -> tuple[Media, ...]:
        """The pictures and clips that were kept of a sample; none unless the user asked for it."""
        with self._file.reading() as (db, _):
            return read_media(db, sample_id)

    def history(self) -> tuple[VersionRecord, ...]:
        """The versions that `rollback` can go back to, oldest first, the current one last."""
        with self._file.reading() as (db, _):
            return read_history(db)

    def enroll(
        self,
        name: str,
        embeddings: Sequence[Embedding],
        hashes: Mapping[str, str],
        media: MediaPerSample | None = None,
        *,
        given_by: GivenBy = "person",
    ) -> ClassRecord:
        """Add samples to the class ``name``, or make it.

        Args:
            name: display name, see `new_name`.
            embeddings: at least one sample.
            hashes: stream → SHA-256 of the encoder, for every stream of the samples.
            media: what to keep of each sample, in the same order; None keeps nothing.
            given_by: ``auto`` when no person vouched for the samples.

        Returns:
            The class as it is now; ``existed`` tells whether it was there before.

        Raises:
            EnrolmentError: the name or a sample cannot be stored.
            ArtifactError: the gallery holds embeddings of other encoders.
        """
        name = new_name(name)
        check_enrolment(embeddings, hashes, media)
        with self._file.changing() as (db, made_s):
            known = find_class(db, current_version(db), name)
            class_id = new_class(db) if known is None else known
            version = new_version(db, "enroll", made_s, class_id)
            if known is None:
                set_name(db, class_id, name, version)
            add_samples(
                db,
                embeddings,
                hashes,
                media,
                role="support",
                class_id=class_id,
                given_by=given_by,
                version=version,
                made_s=made_s,
            )
            record = read_class(db, version, class_id)
        return replace(record, existed=known is not None)

    def add_negative(
        self,
        embeddings: Sequence[Embedding],
        hashes: Mapping[str, str],
        media: MediaPerSample | None = None,
        *,
        name: str | None = None,
    ) -> Receipt:
        """Store samples that are not ``name``, or that are none of the classes when it is None.

        Raises:
            EnrolmentError: there is no such class, or a sample cannot be stored.
            ArtifactError: the gallery holds embeddings of other encoders.
        """
        return self._add("negative", name, embeddings, hashes, media)

    def add_background(
        self,
        embeddings: Sequence[Embedding],
        hashes: Mapping[str, str],
        media: MediaPerSample | None = None,
    ) -> Receipt:
        """Store samples of what else is to be seen and heard at this place.

        Raises:
            EnrolmentError: a sample cannot be stored.
            ArtifactError: the gallery holds embeddings of other encoders.
        """
        return self._add("background", None, embeddings, hashes, media)

    def rename(self, old: str, new: str) -> Receipt:
        """Give the class ``old`` the name ``new``; its id and samples stay.

        Raises:
            EnrolmentError: there is no ``old``, or ``new`` is taken or not usable as a name.
        """
        old, new = clean_name(old), new_name(new)
        with self._file.changing() as (db, made_s):
            class_id = require_class(db, old)
            if find_class(db, current_version(db), new) is not None:
                other = ", or forget that class first" if new != old else ""
                raise EnrolmentError(
                    f"a class is called {new!r} already; expected a name that is free: choose"
                    f" another one{other}"
                )
            version = new_version(db, "rename", made_s, class_id)
            set_name(db, class_id, new, version)
        return Receipt(kind="rename", version=version, made_s=made_s, classes=1)

    def rollback(self, version: int | None = None) -> Receipt:
        """Go back to ``version`` (default: the one before the current), as a new version.

        Nothing is lost: going back again undoes it. What was forgotten stays forgotten.

        Raises:
            EnrolmentError: the history holds no such version, or it is the current one.
        """
        with self._file.changing() as (db, made_s):
            target = current_version(db) - 1 if version is None else version
            made, moved = go_back(db, target, made_s)
        return Receipt(kind="rollback", version=made, made_s=made_s, samples=moved)

    def forget(self, name: str) -> Receipt:
        """Forget a class: afterwards everything is as if it had never been enrolled.

        It goes from every version, with what was said about it ("not this"), and so does any class
        of this name that only the history still holds. Where another class bore the name before a
        renaming, the versions that know it by that name go as well.

        Raises:
            EnrolmentError: there is no such class; the message names the nearest ones.
        """
        name = clean_name(name)
        with self._file.changing() as (db, made_s):
            class_ids = classes_called(db, name)
            if not class_ids:
                require_class(db, name)
            receipt = forget_classes(db, class_ids, name, made_s)
        return replace(receipt, erased=self._file.erased)

    def forget_sample(self, sample_id: int) -> Receipt:
        """Forget one sample, of any role; its class goes too when it was the only one.

        Raises:
            EnrolmentError: there is no such sample.
        """
        with self._file.changing() as (db, made_s):
            # As text, because SQLite takes no number beyond 64 bits: it is then only unknown.
            receipt = forget_samples(db, "id = CAST(? AS INTEGER)", (str(sample_id),), made_s)
            if not receipt.samples:
                raise EnrolmentError(
                    f"no sample has the id {sample_id}; expected the id of a stored sample: list"
                    " the samples of the class"
                )
        return replace(receipt, erased=self._file.erased)

    def forget_since(self, time_s: float, *, name: str | None = None) -> Receipt:
        """Forget every sample that was added at ``time_s`` or later, perhaps of one class only.

        Args:
            time_s: seconds since 1970 (UTC), on the clock that the device had when they were added.
            name: only what belongs to this class.

        Returns:
            A receipt; with 0 samples and the same version as before when there were none.

        Raises:
            EnrolmentError: there is no such class, or the time is not a number.
        """
        if math.isnan(time_s):
            raise EnrolmentError("the time is not a number; expected seconds since 1970 (UTC)")
        with self._file.changing() as (db, made_s):
            where, values = "added_s >= ?", [time_s]
            if name is not None:
                where += " AND id IN (SELECT sample_id FROM spans WHERE class_id = ?)"
                values.append(require_class(db, clean_name(name)))
            receipt = forget_samples(db, where, values, made_s)
        return replace(receipt, erased=self._file.erased)

    def _add(
        self,
        role: Role,
        name: str | None,
        embeddings: Sequence[Embedding],
        hashes: Mapping[str, str],
        media: MediaPerSample | None,
    ) -> Receipt:
        cleaned = None if name is None else clean_name(name)
        check_enrolment(embeddings, hashes, media)
        with self._file.changing() as (db, made_s):
            class_id = None if cleaned is None else require_class(db, cleaned)
            version = new_version(db, role, made_s, class_id)
            add_samples(
                db,
                embeddings,
                hashes,
                media,
                role=role,
                class_id=class_id,
                given_by="person",
                version=version,
                made_s=made_s,
            )
        return Receipt(
            kind=role,
            version=version,
            made_s=made_s,
            classes=int(class_id is not None),
            samples=len(embeddings),
        )
