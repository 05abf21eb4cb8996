"""Random histories: forgetting equals never having enrolled, and every version stays readable."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.runtime.errors import EnrolmentError
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.gallery.records import GallerySnapshot, SampleRecord

Hashes = Mapping[str, str]
NAMES = ("mug", "cup", "jug")

_name = st.sampled_from(NAMES)
_shots = st.integers(1, 3)
_steps = st.one_of(
    st.tuples(st.just("enroll"), _name, _shots),
    st.tuples(st.just("enroll"), _name, _shots),
    st.tuples(st.just("negative"), _name | st.none(), _shots),
    st.tuples(st.just("background"), _shots),
    st.tuples(st.just("rename"), _name, _name),
    st.tuples(st.just("forget"), _name),
    st.tuples(st.just("forget_sample"), st.integers(0, 9)),
    st.tuples(st.just("rollback"), st.integers(1, 6)),
)
_history = st.lists(_steps, min_size=1, max_size=14)


@dataclass
class World:
    """A gallery, the steps that it took, and what each of them was about."""

    gallery: Gallery
    embedding: Any
    hashes: Hashes
    numbers: Iterator[int] = field(default_factory=count)
    taken: list[tuple[int, tuple[Any, ...], int | None]] = field(default_factory=list)
    """``(version after it, step with exact embeddings and targets, class id)``."""

    def take(self, step: tuple[Any, ...]) -> None:
        """Take one random step; one that the gallery refuses is not taken."""
        kind, *rest = step
        if kind in {"enroll", "negative", "background"}:
            *who, shots = rest
            numbers = [next(self.numbers) for _ in range(shots)]
            exact: tuple[Any, ...] = (kind, who[0] if who else None, numbers)
        elif kind == "forget_sample":
            samples = self.gallery.samples()
            exact = (kind, samples[rest[0] % len(samples)].source if samples else "")
        elif kind == "rollback":
            exact = (kind, self.gallery.version - rest[0])
        else:
            exact = (kind, *rest)
        about = self._class_id(exact)
        try:
            self.replay(exact)
        except EnrolmentError:
            return
        if about is None and kind == "enroll":
            about = self._class_id(exact)
        self.taken.append((self.gallery.version, exact, about))

    def replay(self, exact: tuple[Any, ...]) -> None:
        """Take one exact step."""
        kind, *rest = exact
        if kind in {"enroll", "negative", "background"}:
            name, numbers = rest
            given_to = [
                self.embedding(n, *(("image", "sound") if n % 3 else ("sound",)), group=f"g{n % 2}")
                for n in numbers
            ]
            if kind == "enroll":
                self.gallery.enroll(name, given_to, self.hashes)
            elif kind == "negative":
                self.gallery.add_negative(given_to, self.hashes, name=name)
            else:
                self.gallery.add_background(given_to, self.hashes)
        elif kind == "forget_sample":
            ids = [s.id for s in self.gallery.samples() if s.source == rest[0]]
            self.gallery.forget_sample(ids[0] if ids else 0)
        else:
            getattr(self.gallery, kind)(*rest)

    def _class_id(self, exact: tuple[Any, ...]) -> int | None:
        ids = {c.name: c.id for c in self.gallery.classes()}
        return ids.get(exact[1]) if exact[0] in {"enroll", "negative", "rename"} else None


@contextmanager
def _world(embedding: Any, hashes: Hashes) -> Iterator[World]:
    ticks = count()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "g.sqlite"
        with Gallery.open(path, clock=lambda: float(next(ticks))) as gallery:
            yield World(gallery=gallery, embedding=embedding, hashes=hashes)


Content = tuple[list[str], list[tuple[Any, ...]]]


def _content(
    snapshot: GallerySnapshot, gone: frozenset[int] = frozenset(), without: int | None = None
) -> Content:
    """All that a statistic could be computed from, as exact bytes, without ids and dates.

    ``gone`` samples and the class ``without`` are left out by plain list work, which says what
    forgetting has to come to.
    """
    kept = [s for s in snapshot.samples if s.id not in gone and (s.class_id or 0) != without]
    order = list(dict.fromkeys(s.class_id for s in kept if s.role == "support"))
    names = {c.id: c.name for c in snapshot.classes}
    kept = [s for s in kept if s.class_id is None or s.class_id in order]
    return [names[i] for i in order if i is not None], [_facts(s, order) for s in kept]


def _facts(s: SampleRecord, order: list[int | None]) -> tuple[Any, ...]:
    streams = [
        (stream, s.encoders[stream], views.vectors.tobytes(), views.weights.tobytes())
        for stream, views in s.embedding.streams.items()
    ]
    position = None if s.class_id is None else order.index(s.class_id)
    return s.role, position, s.group, s.source, s.given_by, s.embedding.time_s, streams


def _all_versions(gallery: Gallery) -> dict[int, GallerySnapshot]:
    return {v.version: gallery.support(version=v.version) for v in gallery.history()}


def _stored_classes(gallery: Gallery) -> set[int]:
    with closing(sqlite3.connect(gallery.path)) as db:
        return {row[0] for row in db.execute("SELECT id FROM classes")}


@settings(max_examples=60)
@given(history=_history, name=_name)
def test_a_forgotten_class_was_never_enrolled(
    embedding: Any, hashes: Hashes, history: list[tuple[Any, ...]], name: str
) -> None:
    with _world(embedding, hashes) as world, _world(embedding, hashes) as other:
        for step in history:
            world.take(step)
        before = _stored_classes(world.gallery)
        try:
            receipt = world.gallery.forget(name)
        except EnrolmentError:
            return
        forgotten = before - _stored_classes(world.gallery)
        assert forgotten and receipt.erased
        version = {0: 0}
        for made, exact, about in world.taken:
            if about is None or about not in forgotten:
                _replay_elsewhere(other, exact, version)
            version[made] = other.gallery.version
        never = _all_versions(other.gallery)
        assert _content(world.gallery.support()) == _content(other.gallery.support())
        assert receipt.content_digest == other.gallery.support().digest()
        for made, snapshot in _all_versions(world.gallery).items():
            if made in version and version[made] in never:
                assert _content(snapshot) == _content(never[version[made]])
                assert snapshot.digest() == never[version[made]].digest()


def _replay_elsewhere(other: World, exact: tuple[Any, ...], version: Mapping[int, int]) -> None:
    if exact[0] == "rollback":
        exact = ("rollback", version[exact[1]])
        if exact[1] == other.gallery.version:
            return  # the versions between were all about what is forgotten
    try:
        other.replay(exact)
    except EnrolmentError as refused:
        # Forgetting what only the forgotten class had: there is nothing to forget here.
        assert exact[0] in {"forget", "forget_sample"}, refused


@settings(max_examples=60)
@given(history=_history, pick=st.integers(0, 50), how=st.sampled_from(["sample", "since", "class"]))
def test_forgetting_takes_what_is_forgotten_from_every_version_and_nothing_else(
    embedding: Any, hashes: Hashes, history: list[tuple[Any, ...]], pick: int, how: str
) -> None:
    with _world(embedding, hashes) as world:
        for step in history:
            world.take(step)
        gallery = world.gallery
        versions = _all_versions(gallery)
        everything = {s.id: s for snapshot in versions.values() for s in snapshot.samples}
        if not everything:
            return
        chosen = list(everything.values())[pick % len(everything)]
        classes = gallery.classes()
        gone, without = frozenset({chosen.id}), None
        if how == "sample":
            gallery.forget_sample(chosen.id)
        elif how == "since":
            gone = frozenset(i for i, s in everything.items() if s.added_s >= chosen.added_s)
            gallery.forget_since(chosen.added_s)
        elif classes:
            record = classes[pick % len(classes)]
            gone, without = frozenset(), record.id
            # Dead classes of the same name go too: the test above knows them.
            twins = {
                c.id for v in versions.values() for c in v.classes if c.name == record.name
            } - {c.id for c in classes}
            gallery.forget(record.name)
            if twins:
                return
        else:
            return
        for number, snapshot in _all_versions(gallery).items():
            was = versions.get(number, versions[max(versions)])
            assert _content(snapshot) == _content(was, gone, without)


@settings(max_examples=40)
@given(history=_history, back=st.integers(0, 14))
def test_any_version_can_be_gone_back_to_exactly(
    embedding: Any, hashes: Hashes, history: list[tuple[Any, ...]], back: int
) -> None:
    with _world(embedding, hashes) as world:
        for step in history:
            world.take(step)
        gallery = world.gallery
        versions = _all_versions(gallery)
        target = sorted(versions)[back % len(versions)]
        if target == gallery.version:
            return
        gallery.rollback(target)
        assert _content(gallery.support()) == _content(versions[target])
        assert [c.id for c in gallery.classes()] == [c.id for c in versions[target].classes]
        assert _all_versions(gallery).keys() == versions.keys() | {gallery.version}
        with Gallery.open(gallery.path, read_only=True) as again:
            assert again.support().digest() == versions[target].digest()
