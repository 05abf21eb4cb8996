"""What is known about an engine on disk, and what is known about a build."""

from __future__ import annotations

import time
from typing import Literal

from pydantic import BaseModel, ConfigDict

from headstart.runtime.engines.key import EngineKey
from headstart.runtime.engines.process import ProcessIdentity

Phase = Literal["queued", "building", "ready", "failed", "stale"]
"""``stale``: its build was interrupted, or it no longer fits this machine or bundle."""
LIVE: tuple[Phase, ...] = ("queued", "building")


class EngineRecord(BaseModel):
    """The sidecar of a plan. A plan without one does not count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: EngineKey
    plan_sha256: str
    plan_bytes: int
    bundle_digest: str
    """sha256 of the manifest that the model came with."""
    built_at: float
    """Seconds since 1970."""
    seconds: float
    """How long the build took."""
    power_mode: str | None = None
    checked: str
    """What was done with the built engine before it was kept."""


class BuildState(BaseModel):
    """One engine's build, as others may watch it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """The stem of the engine's files."""
    stream: str
    precision: str
    state: Phase
    stage: str = ""
    step: int = 0
    steps: int = 0
    """How far the stage is; 0 of 0 where TensorRT does not say."""
    started_monotonic_s: float | None = None
    elapsed_s: float = 0.0
    expected_s: float | None = None
    """How long the same build took the last time; None where it never ran."""
    error: str = ""
    process: ProcessIdentity | None = None
    updated_at: float = 0.0
    """Seconds since 1970."""

    def observed(self) -> BuildState:
        """As it is now: a live build has gone on since it was written, a dead one is stale."""
        if self.state not in LIVE:
            return self
        if self.process is None or not self.process.is_alive():
            pid = "unknown" if self.process is None else self.process.pid
            stage = f" while {self.stage}" if self.stage else ""
            error = f"its build (process {pid}) ended{stage}: run `headstart engine build` again"
            return self.model_copy(update={"state": "stale", "error": error})
        if self.started_monotonic_s is None:
            return self
        # All processes of one start of the machine share this clock, and nothing sets it.
        elapsed_s = time.monotonic() - self.started_monotonic_s
        return self.model_copy(update={"elapsed_s": max(self.elapsed_s, elapsed_s)})
