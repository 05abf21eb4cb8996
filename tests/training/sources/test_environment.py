from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import ConfigError
from headstart.training.sources import environment
from headstart.training.sources.cache import Cache
from headstart.training.sources.environment import PACKAGES, build
from headstart.training.sources.media import read_sound, write_sound


def put(cache: Cache, package: str, name: str, samples: np.ndarray) -> None:
    stage = PACKAGES[package].stage.replace("packages/", "unpacked/")
    path = cache.root / f"{stage}-all" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sound(path, samples.astype(np.float32))


def tone(number: int, seconds: float = 0.5) -> np.ndarray:
    time = np.arange(int(seconds * 16_000))
    return np.asarray(0.5 * np.sin(time * (0.05 + 0.01 * number)))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("PATH", "/nowhere")
    made = Cache(root=tmp_path / "cache")
    for name in PACKAGES:
        put(made, name, "unrelated.wav", tone(0))
    return made


def test_a_class_with_enough_takes_is_written_and_others_are_counted_out(
    cache: Cache, tmp_path: Path
) -> None:
    for number in range(7):
        put(cache, "antiquity", f"audio/resource/farming/hoe_{number}.wav", tone(number))
    for number in range(5):
        put(cache, "antiquity", f"audio/actor/fauna/death/goat_{number}.wav", tone(number))
    counts, skipped = build(tmp_path / "out", cache)
    assert counts == {"hoe": 7}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["hoe"]
    goat = next(skip for skip in skipped if skip.key == "goat")
    assert goat.reason == "5 usable takes; expected at least 6"


def test_the_same_samples_twice_are_one_take_and_damage_is_skipped(
    cache: Cache, tmp_path: Path
) -> None:
    for number in range(8):
        put(cache, "antiquity", f"audio/farming/hoe_{number}.wav", tone(min(number, 6)))
    put(cache, "antiquity", "audio/farming/hoe_8.wav", np.zeros(8000))
    stage = PACKAGES["antiquity"].stage.replace("packages/", "unpacked/")
    (cache.root / f"{stage}-all" / "audio/farming/hoe_9.wav").write_bytes(b"RIFFdamaged")
    counts, skipped = build(tmp_path / "out", cache)
    assert counts == {"hoe": 7}
    assert {s.key for s in skipped} >= {"hoe_8.wav", "hoe_9.wav"}


def test_packages_take_turns_up_to_the_limit(cache: Cache, tmp_path: Path) -> None:
    for number in range(30):
        put(cache, "antiquity", f"construction/con_wood_{number:02d}.wav", tone(number))
    for number in range(3):
        put(cache, "settlers", f"hammering/hammering_{number}.wav", tone(40 + number))
    counts, _ = build(tmp_path / "out", cache)
    files = [p.name for p in (tmp_path / "out" / "hammering").iterdir()]
    assert counts == {"hammering": environment.MAX_TAKES}
    assert sum(name.startswith("settlers-") for name in files) == 3


def test_long_takes_are_cut_where_they_begin(cache: Cache, tmp_path: Path) -> None:
    for number in range(6):
        late = np.concatenate([np.zeros(32_000), tone(number, 9)])
        put(cache, "antiquity", f"audio/farming/hoe_{number}.wav", late)
    build(tmp_path / "out", cache)
    samples = read_sound(sorted((tmp_path / "out" / "hoe").iterdir())[0])
    assert samples.size == 80_000
    assert not samples[:1590].any()
    assert np.abs(samples[1600:3200]).max() > 0.4


def test_a_folder_that_is_not_empty_is_left_alone(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(ConfigError, match="is not empty"):
        build(tmp_path / "out", cache)
