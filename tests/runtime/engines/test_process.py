from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headstart.runtime.engines.process import BuildLock, ProcessIdentity
from headstart.runtime.errors import ArtifactError

_HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from headstart.runtime.engines.process import BuildLock
BuildLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_this_process_is_alive() -> None:
    own = ProcessIdentity.own()
    assert own.is_alive()
    assert own == ProcessIdentity.own()


def test_a_later_process_of_the_same_number_is_another_one() -> None:
    own = ProcessIdentity.own()
    assert not own.model_copy(update={"started": own.started + 1}).is_alive()


def test_processes_of_another_start_of_the_machine_are_gone() -> None:
    assert not ProcessIdentity.own().model_copy(update={"boot": "earlier"}).is_alive()


def test_a_killed_process_is_not_alive_even_before_its_parent_asks() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        stat = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        own = ProcessIdentity.own()
        identity = ProcessIdentity(pid=child.pid, started=int(stat[19]), boot=own.boot)
        assert identity.is_alive()
        child.kill()
        # Until it is waited for, its remains are still listed.
        while identity.is_alive():
            pass
    finally:
        child.kill()
        child.communicate()
    assert not identity.is_alive()


def test_only_one_builds_at_a_time_and_the_message_says_who(tmp_path: Path) -> None:
    path = tmp_path / "build.lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD_THE_LOCK, str(path)], stdout=subprocess.PIPE
    ) as other:
        try:
            assert other.stdout is not None and other.stdout.readline() == b"held\n"
            with pytest.raises(
                ArtifactError, match=rf"another build runs .*\(process {other.pid}\)"
            ):
                BuildLock(path).acquire()
        finally:
            other.kill()
    # The kernel took it back: nothing has to be cleaned up after kill -9.
    with BuildLock(path):
        pass


def test_a_lock_is_given_back_once_and_can_be_taken_again(tmp_path: Path) -> None:
    lock = BuildLock(tmp_path / "new" / "build.lock")
    for _ in range(2):
        lock.acquire()
        lock.release()
        lock.release()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match=r"file/build.lock cannot be written"):
        BuildLock(tmp_path / "file" / "build.lock").acquire()
