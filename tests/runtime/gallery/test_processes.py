"""Several processes at one gallery, and processes that are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headstart.runtime.gallery.gallery import Gallery

_HERE = Path(__file__).parent


def _start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(_HERE / script), *map(str, arguments)]
    # One thread each: a process that forks must have no other.
    single = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=single
    )


def _result(process: subprocess.Popen[str]) -> dict[str, int]:
    out, err = process.communicate(timeout=3000)
    assert process.returncode == 0, err
    found: dict[str, int] = json.loads(out)
    return found


def test_readers_go_on_while_one_process_writes(path: Path) -> None:
    Gallery.open(path).close()
    readers = [_start("neighbour.py", path, "read", 24) for _ in range(2)]
    writer = _start("neighbour.py", path, "write", "mug", 20)
    assert _result(writer) == {"changes": 24}
    for found in map(_result, readers):
        assert found["reads"] >= 1
        assert (found["torn"], found["backwards"]) == (0, 0)


def test_processes_that_make_and_write_one_gallery_together_lose_nothing(path: Path) -> None:
    path.parent.mkdir()
    writers = [_start("neighbour.py", path, "write", name, 9) for name in ("mug", "cup", "jug")]
    assert [_result(writer)["changes"] for writer in writers] == [10, 10, 10]
    with Gallery.open(path) as gallery:
        assert gallery.version == 30
        assert {c.name: c.samples for c in gallery.classes()} == {"mug": 15, "cup": 15, "jug": 15}


def test_threads_of_one_process_share_one_opening(
    gallery: Gallery, embedding: Any, hashes: Mapping[str, str]
) -> None:
    def work(name: str) -> None:
        for number in range(10):
            gallery.enroll(name, [embedding(number)], hashes)
            gallery.support(hashes)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("mug", "cup", "jug")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gallery.version == 30
    assert sorted((c.name, c.samples) for c in gallery.classes()) == [
        ("cup", 10),
        ("jug", 10),
        ("mug", 10),
    ]


@pytest.mark.parametrize(
    ("seed", "rounds"),
    [(1, 40), pytest.param(2, 1000, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])],
)
def test_a_process_killed_at_any_moment_leaves_every_finished_change_and_no_half_one(
    tmp_path: Path, seed: int, rounds: int
) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("needs fork; run on Linux or macOS")
    found = _result(_start("crash_loop.py", tmp_path / "gallery", seed, rounds))
    assert found["changes"] >= rounds / 4, "too few changes were under way to prove anything"
    assert {key: found[key] for key in ("damaged", "lost", "unasked", "half-applied")} == {
        "damaged": 0,
        "lost": 0,
        "unasked": 0,
        "half-applied": 0,
    }
