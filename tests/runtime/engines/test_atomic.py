from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headstart.runtime.engines.atomic import remove_parts, write_atomically
from headstart.runtime.errors import ArtifactError

# The kernel itself stops the write half-way, as a full disk does.
_WRITE_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
from headstart.runtime.engines.atomic import write_atomically
from headstart.runtime.errors import ArtifactError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    write_atomically(Path(sys.argv[1]), bytes(1 << 20))
except ArtifactError as error:
    print(error)
"""


def test_a_file_is_replaced_in_full(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.plan"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_stops_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.plan"
    write_atomically(path, b"old")
    done = subprocess.run(
        [sys.executable, "-c", _WRITE_TOO_MUCH, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "a.plan cannot be written (File too large); expected room for 1.0 MB" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.plan"]
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtifactError, match=r"\(No space left on device\); .*free some space"):
        write_atomically(tmp_path / "a.plan", b"data")
    assert list(tmp_path.iterdir()) == []


def test_remains_of_killed_writers_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a.plan.123.part").write_bytes(b"half")
    (tmp_path / "a.plan").write_bytes(b"whole")
    remove_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.plan"]
