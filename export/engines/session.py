"""Building a bundle's engines one after the other, in sight of everybody, safe against kill -9."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence

from headstart.export.engines.acceptance import Acceptance, accept_loaded
from headstart.export.engines.builder import build_plan
from headstart.export.engines.request import EngineRequest
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.engines.atomic import remove_parts
from headstart.runtime.engines.process import ProcessIdentity
from headstart.runtime.engines.record import BuildState, EngineRecord, Phase
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.tensorrt_api import TensorRt
from headstart.runtime.errors import HeadstartError

Watcher = Callable[[BuildState], None]
_WRITE_EVERY_S = 0.25
"""TensorRT reports thousands of steps; each state is flushed to the disk."""

_log = logging.getLogger(__name__)


class BuildSession:
    """One run of the builder over some requests.

    Args:
        bundle: where the models come from.
        store: where engines and states go.
        api: the TensorRT to build with.
        power_mode: of the board, to be kept beside the figures.
        accept: judges each built plan before it is kept.
        watch: is shown every state that is written.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        bundle: Bundle,
        store: EngineStore,
        api: TensorRt,
        *,
        power_mode: str | None = None,
        accept: Acceptance = accept_loaded,
        watch: Watcher = lambda state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bundle, self._store, self._api = bundle, store, api
        self._power_mode, self._accept, self._watch, self._clock = (
            power_mode,
            accept,
            watch,
            clock,
        )
        self._process = ProcessIdentity.own()

    def run(self, requests: Sequence[EngineRequest], *, force: bool = False) -> list[BuildState]:
        """Build what is not there yet; an engine that fails does not stop the others.

        Args:
            requests: what is wanted.
            force: build also what is there.

        Returns:
            The last state of every request: ``ready`` or ``failed``.

        Raises:
            ArtifactError: another build runs here, or the folder cannot be written.
        """
        with self._store.lock():
            remove_parts(self._store.folder)
            wanted = [r for r in requests if force or not self._is_ready(r)]
            for request in wanted:
                self._write(self._state(request, "queued"))
            return [
                self._build(request)
                if request in wanted
                else self._write(self._state(request, "ready", stage="built earlier"))
                for request in requests
            ]

    def _is_ready(self, request: EngineRequest) -> bool:
        record = self._store.find(request.key)
        return record is not None and self._store.is_whole(record)

    def _build(self, request: EngineRequest) -> BuildState:
        build = _OneBuild(self, request)
        try:
            return build.run()
        except HeadstartError as error:
            return build.failed(str(error))
        except Exception as error:
            _log.exception("building %s failed unexpectedly", request.key.name)
            return build.failed(f"unexpected {type(error).__name__} ({error}): please report it")

    def _state(self, request: EngineRequest, phase: Phase, **more: object) -> BuildState:
        state = BuildState(
            name=request.key.name,
            stream=request.key.stream,
            precision=request.key.precision,
            state=phase,
            process=self._process,
            updated_at=time.time(),
            expected_s=self._expected_s(request),
        )
        return state.model_copy(update=more)

    def _expected_s(self, request: EngineRequest) -> float | None:
        """How long the newest build of the same kind took, on this target if there was one."""
        alike = [
            record
            for record in self._store.records()
            if (record.key.stream, record.key.precision)
            == (request.key.stream, request.key.precision)
        ]
        here = [record for record in alike if record.key.target == request.key.target]
        return (here or alike)[0].seconds if alike else None

    def _write(self, state: BuildState) -> BuildState:
        self._store.write_state(state)
        self._watch(state)
        return state


class _OneBuild:
    """One engine on its way. Each stage is written before it begins."""

    def __init__(self, session: BuildSession, request: EngineRequest) -> None:
        self._session, self._request = session, request
        self._started = session._clock()
        self._state = session._state(request, "building", started_monotonic_s=self._started)
        self._written = 0.0

    def run(self) -> BuildState:
        """Parse, build, judge, keep."""
        session, request = self._session, self._request
        store, target = session._store, request.key.target
        self._stage("reading the model")
        model = session._bundle.read(request.model)
        built = build_plan(
            session._api,
            model,
            profiles=(request.profile,),
            options=request.options,
            timing_cache=store.timing_cache(target),
            progress=self._progress,
        )
        self._stage("checking the engine")
        checked = session._accept(built.plan, request, session._bundle, session._api)
        self._stage("writing")
        if built.timing_cache is not None:
            store.write_timing_cache(target, built.timing_cache)
        store.commit(self._record(built.plan, checked), built.plan)
        return self._end("ready", "")

    def failed(self, reason: str) -> BuildState:
        """Tell why; on a full disk even that may not be possible."""
        try:
            return self._end("failed", reason)
        except HeadstartError as error:
            _log.warning("the state of %s cannot be written: %s", self._state.name, error)
            return self._finished("failed", reason)

    def _record(self, plan: bytes, checked: str) -> EngineRecord:
        return EngineRecord(
            key=self._request.key,
            plan_sha256=hashlib.sha256(plan).hexdigest(),
            plan_bytes=len(plan),
            bundle_digest=self._session._bundle.digest,
            built_at=time.time(),
            seconds=round(self._elapsed(), 3),
            power_mode=self._session._power_mode,
            checked=checked,
        )

    def _stage(self, stage: str, step: int = 0, steps: int = 0) -> None:
        self._state = self._state.model_copy(
            update={
                "stage": stage,
                "step": step,
                "steps": steps,
                "elapsed_s": self._elapsed(),
                "updated_at": time.time(),
            }
        )
        self._session._write(self._state)
        self._written = self._session._clock()

    def _progress(self, stage: str, done: int, steps: int) -> None:
        if stage != self._state.stage and ":" not in stage:
            self._stage(stage, done, steps)
        elif self._session._clock() - self._written >= _WRITE_EVERY_S:
            self._stage(stage, done, steps)

    def _end(self, phase: Phase, error: str) -> BuildState:
        return self._session._write(self._finished(phase, error))

    def _finished(self, phase: Phase, error: str) -> BuildState:
        stage = "" if phase == "ready" else self._state.stage
        return self._state.model_copy(
            update={
                "state": phase,
                "stage": stage,
                "error": error,
                "elapsed_s": self._elapsed(),
                "updated_at": time.time(),
            }
        )

    def _elapsed(self) -> float:
        return self._session._clock() - self._started
