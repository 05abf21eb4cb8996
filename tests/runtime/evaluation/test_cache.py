from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.errors import CaptureError
from headstart.runtime.evaluation.cache import (
    CacheKey,
    EmbeddingCache,
    default_cache_folder,
    prune,
)

KEY = CacheKey(encoders={"image": "a" * 64}, view_plan='{"support":["full"]}')


def embedding(number: float = 1.0) -> Embedding:
    """Numbers whose last bits would not survive a shorter float, and streams out of order."""
    views = StreamViews(
        vectors=np.array([[number / 3, np.float32(1e-45)], [-0.0, number * 1e30]], np.float32),
        weights=np.array([1.0, number / 7], np.float32),
    )
    return Embedding(streams={"speech": views, "image": views}, time_s=0.1)


def refuse() -> Embedding:
    raise AssertionError("computed again what the folder knows")


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "mug" / "003.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"photo")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def is_known(folder: Path, key: CacheKey, files: list[Path], name: str = "mug/003") -> bool:
    cache = EmbeddingCache(folder, key)
    cache.embed(files, embedding, name=name)
    return cache.hits == 1


def test_an_embedding_comes_back_bit_for_bit(folder: Path, photo: Path) -> None:
    computed = EmbeddingCache(folder, KEY).embed([photo], embedding, name="mug/003", source="here")
    found = EmbeddingCache(folder, KEY).embed([photo], refuse, name="mug/003", source="here")

    assert list(found.streams) == ["speech", "image"]
    for stream, views in computed.streams.items():
        assert found.streams[stream].vectors.tobytes() == views.vectors.tobytes()
        assert found.streams[stream].weights.tobytes() == views.weights.tobytes()
        assert found.streams[stream].vectors.dtype == np.float32
    assert (found.time_s, found.source, found.group) == (0.1, "here", "")


def test_source_and_group_are_the_callers_whether_known_or_not(folder: Path, photo: Path) -> None:
    cache = EmbeddingCache(folder, KEY)

    for source in ("first", "second"):
        answer = cache.embed([photo], embedding, name="mug/003", source=source, group="g")
        assert (answer.source, answer.group) == (source, "g")
    assert (cache.hits, cache.misses) == (1, 1)


def test_moved_data_is_found_again(folder: Path, photo: Path) -> None:
    is_known(folder, KEY, [photo])
    moved = photo.rename(photo.with_name("004.JPG"))

    assert is_known(folder, KEY, [moved], name="cup/004")


def test_changed_data_is_computed_anew(folder: Path, photo: Path) -> None:
    is_known(folder, KEY, [photo])
    photo.write_bytes(b"other")

    assert not is_known(folder, KEY, [photo])


def test_the_suffix_counts_as_it_decides_the_decoder(folder: Path, photo: Path) -> None:
    is_known(folder, KEY, [photo])

    assert not is_known(folder, KEY, [photo.rename(photo.with_suffix(".wav"))])


def test_a_pair_is_known_by_both_files_in_any_order(folder: Path, photo: Path) -> None:
    sound = photo.with_suffix(".wav")
    sound.write_bytes(b"sound")
    is_known(folder, KEY, [photo, sound])

    assert is_known(folder, KEY, [sound, photo])
    assert not is_known(folder, KEY, [photo])
    sound.write_bytes(b"other")
    assert not is_known(folder, KEY, [photo, sound])


@pytest.mark.parametrize(
    "change",
    [
        {"encoders": {"image": "b" * 64}},
        {"encoders": {"image": "a" * 64, "sound": "c" * 64}},
        {"view_plan": '{"support":["full","flip"]}'},
        {"backend": "tensorrt"},
        {"corruption": "image:dark"},
    ],
    ids=["encoder", "more streams", "views", "backend", "corruption"],
)
def test_another_key_is_another_embedding(
    folder: Path, photo: Path, change: dict[str, Any]
) -> None:
    is_known(folder, KEY, [photo])

    assert not is_known(folder, replace(KEY, **change), [photo])
    assert is_known(folder, KEY, [photo])


def test_a_corruption_depends_on_seed_and_name(folder: Path, photo: Path) -> None:
    dark = replace(KEY, corruption="image:dark", seed=1)
    is_known(folder, dark, [photo])

    assert is_known(folder, dark, [photo])
    assert not is_known(folder, replace(dark, seed=2), [photo])
    assert not is_known(folder, dark, [photo], name="cup/003")


def test_clean_samples_do_not_depend_on_the_seed(folder: Path, photo: Path) -> None:
    is_known(folder, replace(KEY, seed=1), [photo])

    assert is_known(folder, replace(KEY, seed=2), [photo])


def test_changed_code_is_computed_anew(
    folder: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_known(folder, KEY, [photo])
    monkeypatch.setattr("headstart.runtime.evaluation.cache.code_digest", lambda: "changed")

    assert not is_known(folder, KEY, [photo])


def flip_last_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [lambda content: b"", lambda content: content[:40], flip_last_bit],
    ids=["empty", "cut off", "one bit"],
)
def test_a_damaged_entry_is_computed_again_and_replaced(
    folder: Path,
    photo: Path,
    damage: Callable[[bytes], bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_known(folder, KEY, [photo])
    (entry,) = entries(folder)
    entry.write_bytes(damage(entry.read_bytes()))

    with caplog.at_level(logging.WARNING):
        assert not is_known(folder, KEY, [photo])

    assert f"{entry} is damaged; computing it again" in caplog.text
    assert is_known(folder, KEY, [photo])


def test_an_error_while_computing_passes_through_and_stores_nothing(
    folder: Path, photo: Path
) -> None:
    def fail() -> Embedding:
        raise CaptureError("not a picture")

    with pytest.raises(CaptureError, match="not a picture"):
        EmbeddingCache(folder, KEY).embed([photo], fail, name="mug/003")
    assert not folder.exists()


def test_a_file_that_cannot_be_read_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"missing.jpg' cannot be read \(No such file"):
        EmbeddingCache(folder, KEY).embed([tmp_path / "missing.jpg"], refuse, name="x")


def test_without_a_folder_everything_is_computed(photo: Path) -> None:
    cache = EmbeddingCache(None, KEY)

    for _ in range(2):
        assert cache.embed([photo], embedding, name="x", source="s").source == "s"
    assert (cache.hits, cache.misses) == (0, 2)


def test_a_folder_that_cannot_be_used_is_said_once_and_costs_only_time(
    tmp_path: Path, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "cache"
    in_the_way.write_text("a file, not a folder")
    cache = EmbeddingCache(in_the_way, KEY)

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            cache.embed([photo], embedding, name="mug/003")

    assert cache.misses == 2
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        f"the embedding cache {in_the_way} cannot be used"
    ]


def test_a_failed_write_leaves_no_half_entry(
    folder: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with caplog.at_level(logging.WARNING):
        EmbeddingCache(folder, KEY).embed([photo], embedding, name="mug/003")

    assert "No space left on device" in caplog.text
    assert entries(folder) == []


def test_the_folder_stays_below_its_limit_and_keeps_what_was_used_last(
    folder: Path, photo: Path
) -> None:
    files = [photo.with_name(f"{i}.jpg") for i in range(6)]
    for i, file in enumerate(files):
        file.write_bytes(bytes([i]))
        is_known(folder, KEY, [file])
        newest = max(entries(folder), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (1000 + i, 1000 + i))
    size = entries(folder)[0].stat().st_size
    assert is_known(folder, KEY, [files[0]])

    prune(folder, limit_bytes=5 * size)

    # three quarters of five entries are three, and reading the first made it the newest
    assert len(entries(folder)) == 3
    assert [is_known(folder, KEY, [file]) for file in (files[0], files[5], files[4])] == [True] * 3


def test_writing_prunes(folder: Path, photo: Path) -> None:
    for i in range(5):
        photo.write_bytes(bytes([i]))
        EmbeddingCache(folder, KEY, limit_bytes=1000).embed([photo], embedding, name="x")

    assert sum(path.stat().st_size for path in entries(folder)) <= 1000


def test_a_limit_of_zero_clears_all_but_what_is_being_written(folder: Path, photo: Path) -> None:
    is_known(folder, KEY, [photo])
    (entry,) = entries(folder)
    killed, writing = entry.with_name(".killed.part"), entry.with_name(".writing.part")
    for part in (killed, writing):
        part.write_bytes(b"half")
    os.utime(killed, (1000, 1000))

    prune(folder, limit_bytes=0)

    assert entries(folder) == [writing]


def test_a_folder_that_does_not_exist_is_already_clear(folder: Path) -> None:
    prune(folder, limit_bytes=0)

    assert not folder.exists()


HAMMER = """
import sys
from pathlib import Path
import numpy as np
from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.evaluation.cache import CacheKey, EmbeddingCache

def views(number):
    return StreamViews(vectors=np.full((4, 50), number, np.float32), weights=np.ones(4, np.float32))

folder, *files = map(Path, sys.argv[1:])
cache = EmbeddingCache(folder, CacheKey(encoders={}, view_plan=""), limit_bytes=6000)
for _ in range(20):
    for number, file in enumerate(files):
        found = cache.embed([file], lambda: Embedding(streams={"image": views(number)}), name="x")
        assert (found.streams["image"].vectors == number).all()
assert cache.misses > len(files), "nothing was pruned"
assert not cache._warned
"""


def test_processes_share_a_folder_while_it_is_pruned(folder: Path, photo: Path) -> None:
    files = [photo.with_name(f"{i}.jpg") for i in range(12)]
    for i, file in enumerate(files):
        file.write_bytes(bytes([i]))

    command = [sys.executable, "-c", HAMMER, str(folder), *map(str, files)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=60)[1] for process in running]

    assert said == [""] * 3
    assert [process.returncode for process in running] == [0] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is Linux's")
def test_the_default_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/fast")

    assert default_cache_folder() == Path("/var/fast/headstart/embeddings")
