"""Engines built behind the back of a running device: a subprocess builds, the CPU serves, and each
encoder is exchanged as soon as its engine is ready.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.encoders.swapping import SwappingEncoder
from headstart.runtime.engines.record import LIVE, BuildState
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.errors import HeadstartError

_LOOK_EVERY_S = 0.5
_CALM = 10
"""Added to the builder's niceness: recognition goes first."""

_log = logging.getLogger(__name__)


def start_build(
    store: EngineStore,
    *,
    bundle: Path | None = None,
    device: str | None = None,
    streams: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Start ``headstart engine build`` as a process of low priority; it outlives this one.

    The runtime never imports the builder: this is how it starts one all the same.
    """
    command = [sys.executable, "-m", "headstart.cli", "engine", "build", "--json"]
    command += ["--engines", str(store.folder)]
    command += [] if bundle is None else ["--bundle", str(bundle)]
    command += [] if device is None else ["--device", device]
    for stream in streams:
        command += ["--stream", stream]
    nice = ["nice", "-n", str(_CALM)]
    return subprocess.Popen(
        [*nice, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class EngineUpgrade:
    """Watches a build and exchanges encoders; the states in the store are all it knows of it.

    Args:
        encoders: stream → what serves it now.
        open_engine: opens a stream's engine; called once its build is ready.
        store: where the build writes its states.
        build: starts the builder, see `start_build`; None watches a build that others started.
    """

    def __init__(
        self,
        encoders: Mapping[str, SwappingEncoder],
        open_engine: Callable[[str], Encoder],
        store: EngineStore,
        build: Callable[[], subprocess.Popen[bytes]] | None = None,
    ) -> None:
        self._waiting = dict(encoders)
        self._open_engine = open_engine
        self._store = store
        self._start_build = build
        self._build: subprocess.Popen[bytes] | None = None
        self._since = time.time()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.failures: dict[str, str] = {}

    @property
    def waiting(self) -> tuple[str, ...]:
        """Streams that are still served by what served them first."""
        return tuple(self._waiting)

    def step(self) -> bool:
        """Look once; whether something is still to come. Not for several threads at once.

        The first look starts the build.
        """
        if self._start_build is not None:
            starting, self._start_build = self._start_build, None
            self._build = starting()
        ended = self._build is not None and self._build.poll() is not None
        states = self._latest()
        for stream in self.waiting:
            state = states.get(stream)
            if state is not None and state.state == "ready":
                self._exchange(stream)
            elif state is not None and state.state == "failed":
                self._give_up(stream, state.error)
            elif ended and (state is None or state.state not in LIVE):
                code = None if self._build is None else self._build.returncode
                known = "" if state is None else f": {state.error or state.state}"
                self._give_up(stream, f"the build ended with exit code {code}{known}")
        return bool(self._waiting)

    def start(self) -> None:
        """Look twice a second on a thread of its own until nothing is to come."""
        self._thread = threading.Thread(target=self._run, name="engine-upgrade", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking; the build goes on. Safe to call twice."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self.step() and not self._stop.wait(_LOOK_EVERY_S):
            pass

    def _latest(self) -> dict[str, BuildState]:
        """Stream → its last state, of builds that run now or ended after we began to watch."""
        newest: dict[str, BuildState] = {}
        for state in sorted(self._store.states(), key=lambda state: state.updated_at):
            if state.state in LIVE or state.updated_at >= self._since:
                newest[state.stream] = state
        return newest

    def _exchange(self, stream: str) -> None:
        try:
            engine = self._open_engine(stream)
        except HeadstartError as error:
            self._give_up(stream, str(error))
            return
        try:
            self._waiting[stream].swap(engine)
        except HeadstartError as error:
            engine.close()
            self._give_up(stream, str(error))
            return
        del self._waiting[stream]
        _log.warning("the %s engine is ready and serves from now on", stream)

    def _give_up(self, stream: str, reason: str) -> None:
        del self._waiting[stream]
        self.failures[stream] = reason
        _log.warning("%s stays on the backend it has: %s", stream, reason)
