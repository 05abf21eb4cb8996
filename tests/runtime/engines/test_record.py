from __future__ import annotations

import time

import pytest

from headstart.runtime.engines.process import ProcessIdentity
from headstart.runtime.engines.record import BuildState, Phase
from headstart.runtime.engines.store import EngineStore

OWN = ProcessIdentity.own()
DEAD = OWN.model_copy(update={"started": OWN.started + 1})


def state(phase: Phase, process: ProcessIdentity | None = OWN, **more: object) -> BuildState:
    made = BuildState(
        name="image-fp16-0", stream="image", precision="fp16", state=phase, process=process
    )
    return made.model_copy(update=more)


def test_a_live_build_goes_on_between_two_writes() -> None:
    written = state("building", elapsed_s=1.0, started_monotonic_s=time.monotonic() - 5.0)
    assert 5.0 <= written.observed().elapsed_s < 60.0
    assert written.observed().state == "building"


@pytest.mark.parametrize("phase", ["queued", "building"])
@pytest.mark.parametrize("process", [DEAD, None], ids=["dead", "unknown"])
def test_a_build_whose_process_is_gone_is_stale(
    phase: Phase, process: ProcessIdentity | None
) -> None:
    seen = state(phase, process, stage="parsing").observed()
    assert seen.state == "stale"
    assert "ended while parsing: run `headstart engine build` again" in seen.error


@pytest.mark.parametrize("phase", ["ready", "failed"])
def test_an_ended_build_stays_what_it_is(phase: Phase) -> None:
    ended = state(phase, DEAD, elapsed_s=3.0)
    assert ended.observed() == ended


def test_states_are_read_as_they_are_now(store: EngineStore) -> None:
    store.write_state(state("building", DEAD))
    (seen,) = store.states()
    assert seen.state == "stale"
