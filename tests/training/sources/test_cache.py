from __future__ import annotations

from pathlib import Path

import pytest

from headstart.runtime.errors import ConfigError
from headstart.training.sources.cache import Cache, default_root


def test_a_finished_stage_is_not_built_again(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    calls: list[Path] = []

    def build(folder: Path) -> None:
        calls.append(folder)
        (folder / "made.txt").write_text("whole")

    first = cache.stage("a/b", build)
    second = cache.stage("a/b", build)
    assert first == second == tmp_path / "a" / "b"
    assert (second / "made.txt").read_text() == "whole"
    assert len(calls) == 1


def test_an_interrupted_stage_goes_on_where_it_stopped(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    made: list[str] = []

    def build(folder: Path) -> None:
        for name in ("one", "two"):
            if not (folder / name).exists():
                (folder / name).touch()
                made.append(name)
                if made == ["one"]:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.stage("work", build)
    assert not (tmp_path / "work").exists()
    assert sorted(p.name for p in cache.stage("work", build).iterdir()) == ["one", "two"]
    assert made == ["one", "two"]


def test_dropping_a_stage_twice_is_harmless(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    cache.stage("gone", lambda folder: None)
    cache.drop("gone")
    cache.drop("gone")
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(ConfigError, match="name another cache folder"):
        Cache(root=blocked).stage("a", lambda folder: None)


def test_a_full_disk_says_to_free_space(tmp_path: Path) -> None:
    def build(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ConfigError, match=r"No space left on device.*free some space"):
        Cache(root=tmp_path).stage("a", build)


def test_the_default_root_follows_the_xdg_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_root() == Path("/somewhere/headstart/sources")
