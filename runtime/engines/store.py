"""The folder of engines: plans, their records, build states and timing caches.

``<name>.plan`` is written first, ``<name>.json`` last: a plan counts only with a record that holds
its hash, so whatever moment a process is killed at, an engine is there in full or not at all.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from platformdirs import user_cache_path
from pydantic import BaseModel, ValidationError

from headstart.runtime.engines.atomic import write_atomically
from headstart.runtime.engines.key import EngineKey, EngineTarget
from headstart.runtime.engines.process import BuildLock
from headstart.runtime.engines.record import BuildState, EngineRecord
from headstart.runtime.errors import ArtifactError

_PLAN, _RECORD, _STATE, _TIMING = ".plan", ".json", ".state", ".timing"

_log = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)


def default_engine_folder() -> Path:
    """Where engines lie when no folder is given: losing it costs only time."""
    return user_cache_path("headstart", appauthor=False) / "engines"


class EngineStore:
    """One folder of engines. Any number of processes may read; one builds."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use ``folder``; it need not exist. None is in the user's cache folder."""
        self.folder = default_engine_folder() if folder is None else folder

    def lock(self) -> BuildLock:
        """The lock that a builder must hold."""
        return BuildLock(self.folder / "build.lock")

    def records(self) -> tuple[EngineRecord, ...]:
        """All engines with a readable record, newest first."""
        found = (_read(path, EngineRecord) for path in sorted(self.folder.glob(f"*{_RECORD}")))
        kept = [record for record in found if record is not None]
        return tuple(sorted(kept, key=lambda record: -record.built_at))

    def find(self, key: EngineKey) -> EngineRecord | None:
        """The record of exactly this engine."""
        record = _read(self._path(key.name, _RECORD), EngineRecord)
        return record if record is not None and record.key == key else None

    def is_whole(self, record: EngineRecord) -> bool:
        """Whether the plan's bytes are those that were built."""
        try:
            self.load_plan(record)
        except ArtifactError:
            return False
        return True

    def usable(
        self, stream: str, models: Iterable[str], target: EngineTarget, precision: str | None
    ) -> EngineRecord:
        """The newest engine that may be loaded for a stream.

        Args:
            stream: the stream.
            models: sha256 of the bundle's ONNX files of that stream.
            target: this machine's TensorRT and GPU.
            precision: only this one; None takes any.

        Raises:
            ArtifactError: none fits; says why the nearest is refused.
        """
        hashes = set(models)
        refusals = []
        for record in self.records():
            if record.key.stream != stream:
                continue
            if precision is not None and record.key.precision != precision:
                refusals.append(f"it is {record.key.precision}, and {precision} was asked for")
                continue
            reason = record.key.target.refusal(target)
            if record.key.onnx_sha256 not in hashes:
                reason = "built from another bundle's model"
            if reason is None:
                return record
            refusals.append(reason)
        why = f"the one there is refused: {refusals[0]}" if refusals else "none was built"
        raise ArtifactError(
            f"there is no engine of {stream} for {target} ({why}): run `headstart engine build`"
        )

    def load_plan(self, record: EngineRecord) -> bytes:
        """The plan's bytes, checked against the record.

        Raises:
            ArtifactError: it is missing, cut off or changed.
        """
        path = self._path(record.key.name, _PLAN)
        try:
            plan = path.read_bytes()
        except OSError as error:
            raise ArtifactError(
                f"{path} cannot be read ({error.strerror}); expected the engine that its record"
                " describes: run `headstart engine build`"
            ) from error
        if hashlib.sha256(plan).hexdigest() != record.plan_sha256:
            raise ArtifactError(
                f"{path} is damaged ({len(plan)} bytes; expected {record.plan_bytes} with sha256"
                f" {record.plan_sha256[:16]}…), nothing was loaded: run `headstart engine build`"
            )
        return plan

    def commit(self, record: EngineRecord, plan: bytes) -> None:
        """Keep an engine; only under the lock.

        Raises:
            ArtifactError: the disk is full, or the folder cannot be written.
        """
        self._path(record.key.name, _RECORD).unlink(missing_ok=True)
        write_atomically(self._path(record.key.name, _PLAN), plan)
        text = record.model_dump_json(indent=1).encode()
        write_atomically(self._path(record.key.name, _RECORD), text)

    def states(self) -> tuple[BuildState, ...]:
        """All builds as they are now, by name."""
        found = (_read(path, BuildState) for path in sorted(self.folder.glob(f"*{_STATE}")))
        return tuple(state.observed() for state in found if state is not None)

    def write_state(self, state: BuildState) -> None:
        """Let others see how a build goes; only under the lock.

        Raises:
            ArtifactError: the disk is full, or the folder cannot be written.
        """
        write_atomically(self._path(state.name, _STATE), state.model_dump_json().encode())

    def timing_cache(self, target: EngineTarget) -> bytes | None:
        """What earlier builds measured on this target: makes the next one faster."""
        try:
            return self._timing_path(target).read_bytes()
        except OSError:
            return None

    def write_timing_cache(self, target: EngineTarget, data: bytes) -> None:
        """Keep what a build measured.

        Raises:
            ArtifactError: the disk is full, or the folder cannot be written.
        """
        write_atomically(self._timing_path(target), data)

    def _timing_path(self, target: EngineTarget) -> Path:
        digest = hashlib.sha256(target.model_dump_json().encode()).hexdigest()
        return self._path(f"timing-{digest[:16]}", _TIMING)

    def _path(self, name: str, suffix: str) -> Path:
        return self.folder / f"{name}{suffix}"


def _read(path: Path, model: type[_Model]) -> _Model | None:
    """A small JSON file; None where there is none, or where it is not ours."""
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        _log.warning("%s is passed over: %s", path, str(error).splitlines()[0])
        return None
