"""A data folder, embedded as enrolment and recognition would."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.errors import CaptureError, ConfigError, EnrolmentError
from headstart.runtime.evaluation.dataset import Dataset, Reading, embed_dataset
from headstart.runtime.fusion.late import Placed
from headstart.runtime.fusion.spaces import as_stored, open_spaces, place
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.sources.folder import MediaItem, read_sample, scan

BOTH = ("image", "audio")


@pytest.fixture
def embed(starter: Bundle, embedder: Embedder) -> Any:
    """``embed(folder, modalities, …)``: the folder with the shared encoders."""

    def run(
        folder: Path, modalities: tuple[str, ...] = BOTH, *, using: Any = None, **options: Any
    ) -> Dataset:
        used = using or embedder
        entries = starter.manifest.streams
        spaces = open_spaces(
            entries, LearnedInitialization.from_tensors(starter.head), used.streams
        )
        track = options.pop("track", lambda items: items)
        reading = Reading(modalities=modalities, **options)
        return embed_dataset(scan(folder), used, entries, spaces, reading, track)

    return run


@pytest.fixture
def folder(tmp_path: Path, write: Any, thing: Any) -> Path:
    """A class seen and heard, one only seen, one only heard."""
    for take in ("b", "a"):
        write(tmp_path / "data" / "both", take, thing(0, ord(take)))
        write(tmp_path / "data" / "seen", take, thing(1, ord(take), audio=False))
        write(tmp_path / "data" / "heard", take, thing(2, ord(take), image=False))
    return tmp_path / "data"


def _same(one: Placed | None, other: Placed | None) -> bool:
    if one is None or other is None:
        return one is other
    return list(one.points) == list(other.points) and all(
        np.array_equal(z, other.points[stream]) for stream, z in one.points.items()
    )


def _same_data(one: Dataset, other: Dataset) -> bool:
    return list(one.classes) == list(other.classes) and all(
        a.stem == b.stem and _same(a.support, b.support) and _same(a.query, b.query)
        for name in one.classes
        for a, b in zip(one.classes[name], other.classes[name], strict=True)
    )


def test_classes_and_samples_are_sorted_by_name(embed: Any, folder: Path) -> None:
    data = embed(folder)
    assert {name: [s.stem for s in samples] for name, samples in data.classes.items()} == {
        "both": ["a", "b"],
        "heard": ["a", "b"],
        "seen": ["a", "b"],
    }
    assert list(data.classes) == ["both", "heard", "seen"]
    assert data.failures == ()


def test_samples_have_the_streams_of_their_files(embed: Any, folder: Path) -> None:
    found = {n: tuple(s[0].support.points) for n, s in embed(folder).classes.items()}
    assert found == {
        "both": ("image", "sound", "speech"),
        "heard": ("sound", "speech"),
        "seen": ("image",),
    }


def test_support_is_what_a_gallery_would_store_and_a_query_is_not_rounded(
    embed: Any, folder: Path, starter: Bundle, embedder: Embedder
) -> None:
    start = LearnedInitialization.from_tensors(starter.head)
    spaces = open_spaces(starter.manifest.streams, start, embedder.streams)
    (first, _) = embed(folder).classes["both"]
    item = next(i for i in scan(folder) if (i.label, i.stem) == ("both", "a"))
    embedding = embedder.embed(read_sample(item), "support")
    assert _same(first.support, place(as_stored(embedding), spaces))
    asked = place(embedding.streams, spaces)
    assert asked is not None and _same(first.query, asked.first())


@pytest.mark.parametrize(
    ("modalities", "classes"), [(("image",), {"both", "seen"}), (("audio",), {"both", "heard"})]
)
def test_other_modalities_are_dropped(
    embed: Any, folder: Path, modalities: tuple[str, ...], classes: set[str]
) -> None:
    data = embed(folder, modalities)
    assert set(data.classes) == classes
    assert data.failures == ()
    streams = {"image": ("image",), "audio": ("sound", "speech")}[modalities[0]]
    assert all(tuple(s.support.points) == streams for c in data.classes.values() for s in c)


def test_what_cannot_be_read_is_listed_and_left_out(embed: Any, folder: Path) -> None:
    broken = folder / "seen" / "c.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    data = embed(folder)
    assert [s.stem for s in data.classes["seen"]] == ["a", "b"]
    ((source, error),) = data.failures
    assert (source, type(error)) == (str(broken), CaptureError)


def test_what_no_stream_encodes_is_listed(
    embed: Any, folder: Path, starter: Bundle, embedder: Embedder
) -> None:
    data = embed(folder, using=_Speech(starter, embedder))
    assert set(data.classes) == {"both", "heard"}
    assert [type(error) for _, error in data.failures] == [EnrolmentError] * 2


class _Speech(Embedder):
    """Only the speech stream of a shared embedder."""

    def __init__(self, starter: Bundle, whole: Embedder) -> None:
        super().__init__(starter.manifest.streams, {"speech": whole._encoders["speech"]})


def test_corruption_touches_queries_only(embed: Any, folder: Path) -> None:
    clean, dark = embed(folder), embed(folder, corruption="image:dark")
    for name in ("both", "seen", "heard"):
        for before, after in zip(clean.classes[name], dark.classes[name], strict=True):
            assert _same(before.support, after.support)
            assert _same(before.query, after.query) is (name == "heard")


def test_corruption_is_repeatable_and_follows_the_seed(embed: Any, folder: Path) -> None:
    once, again, other = (embed(folder, corruption="audio:noise", seed=s) for s in (1, 1, 2))
    assert _same_data(once, again)
    assert not _same(once.classes["heard"][0].query, other.classes["heard"][0].query)


def test_a_query_of_which_nothing_is_left_is_no_failure(embed: Any, folder: Path) -> None:
    data = embed(folder, corruption="audio:missing")
    assert data.failures == ()
    assert [s.query for s in data.classes["heard"]] == [None, None]
    assert [tuple(s.query.points) for s in data.classes["both"]] == [("image",)] * 2


@pytest.mark.parametrize("corruption", ["audio:missing", "audio:silence"])
def test_a_query_left_with_a_modality_that_no_stream_encodes_is_no_failure(
    embed: Any, folder: Path, starter: Bundle, embedder: Embedder, corruption: str
) -> None:
    data = embed(folder, using=_Speech(starter, embedder), corruption=corruption)
    assert [s.query for s in data.classes["both"]] == [None, None]
    assert {Path(source).parent.name for source, _ in data.failures} == {"seen"}


def test_an_unknown_corruption_is_refused(embed: Any, folder: Path) -> None:
    with pytest.raises(ConfigError, match="'image:fog'"):
        embed(folder, corruption="image:fog")


def test_a_cache_gives_the_same_data_without_encoding(
    embed: Any, folder: Path, tmp_path: Path, starter: Bundle, embedder: Embedder
) -> None:
    counting = _Counting(starter, embedder)
    first = embed(folder, using=counting, cache_folder=tmp_path / "cache", corruption="image:blur")
    encoded = counting.count
    again = embed(folder, using=counting, cache_folder=tmp_path / "cache", corruption="image:blur")
    assert encoded == 12
    assert counting.count == encoded
    assert _same_data(first, again)


class _Counting(Embedder):
    """Counts what it embeds."""

    def __init__(self, starter: Bundle, whole: Embedder) -> None:
        super().__init__(starter.manifest.streams, whole._encoders)
        self.count = 0

    def embed(self, sample: Any, role: Any) -> Any:
        self.count += 1
        return super().embed(sample, role)


def test_progress_is_told_item_by_item(embed: Any, folder: Path) -> None:
    seen: list[str] = []

    def track(items: Iterable[MediaItem]) -> Iterable[MediaItem]:
        for item in items:
            seen.append(f"{item.label}/{item.stem}")
            yield item

    embed(folder, ("audio",), track=track)
    assert seen == ["both/a", "both/b", "heard/a", "heard/b", "seen/a", "seen/b"]
