"""Is the process that wrote this still the same one, and alive? And: one builder at a time."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType

from pydantic import BaseModel, ConfigDict

from headstart.runtime.errors import ArtifactError

_PROC = Path("/proc")
_AFTER_NAME_STATE, _AFTER_NAME_START = 0, 19
"""Fields 3 and 22 of /proc/<pid>/stat (proc(5)), counted after the name in parentheses."""
_ENDED = frozenset("ZXx")


class ProcessIdentity(BaseModel):
    """A process that cannot be taken for a later one with the same number.

    ``started`` counts clock ticks since the machine started, ``boot`` tells the starts apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pid: int
    started: int
    boot: str

    @classmethod
    def own(cls) -> ProcessIdentity:
        """The calling process."""
        found = _start_of(os.getpid())
        return cls(pid=os.getpid(), started=found or 0, boot=_boot())

    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return self.boot == _boot() and _start_of(self.pid) == self.started


class BuildLock:
    """Only one process builds in a folder at a time: a build wants the GPU for itself.

    The kernel gives the lock back however its holder ends, kill -9 included; the file's content
    only tells others who holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            ArtifactError: another process builds here, or the folder cannot be written.
        """
        import fcntl

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ArtifactError(
                f"{self._path} cannot be written ({error.strerror}); engines need a folder of"
                " their own: check its rights, or choose another one"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise ArtifactError(
                f"another build runs in {self._path.parent} (process {self._holder()}); one builds"
                " at a time: wait for it, see `headstart engine list`"
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, ProcessIdentity.own().model_dump_json().encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back; safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _holder(self) -> str:
        try:
            return str(json.loads(self._path.read_bytes())["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return "unknown"

    def __enter__(self) -> BuildLock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _start_of(pid: int) -> int | None:
    """When a process started, in clock ticks; None where there is none, or only its remains."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    if fields[_AFTER_NAME_STATE] in _ENDED:
        return None
    return int(fields[_AFTER_NAME_START])


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
