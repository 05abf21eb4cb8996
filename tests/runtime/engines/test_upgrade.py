"""Real encoders, real threads, real state files; the builder is a process that writes states."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.encoders.swapping import SwappingEncoder
from headstart.runtime.engines.process import ProcessIdentity
from headstart.runtime.engines.record import BuildState, Phase
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.upgrade import EngineUpgrade, start_build
from headstart.runtime.errors import BackendError

_BUILDER = """
import sys, time
from pathlib import Path
from headstart.runtime.engines.process import ProcessIdentity
from headstart.runtime.engines.record import BuildState
from headstart.runtime.engines.store import EngineStore

store, last = EngineStore(Path(sys.argv[1])), sys.argv[2]
for phase in ("queued", "building", last):
    store.write_state(BuildState(
        name="speech-fp32-0", stream="speech", precision="fp32", state=phase, error=sys.argv[3],
        process=ProcessIdentity.own(), updated_at=time.time(),
    ))
    sys.stdin.readline()
"""
Builder = Callable[[], "subprocess.Popen[bytes]"]
Silence = np.zeros((1, 16_000), np.float32)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture
def serving(bundle: Bundle) -> Iterator[SwappingEncoder]:
    encoder = SwappingEncoder(speech(bundle))
    yield encoder
    encoder.close()


@pytest.fixture
def builders(store: EngineStore) -> Iterator[Callable[[str, str], Builder]]:
    """Start a process that goes to its next state for every line it is given."""
    started: list[subprocess.Popen[bytes]] = []

    def make(last: str, error: str = "") -> Builder:
        def start() -> subprocess.Popen[bytes]:
            command = [sys.executable, "-c", _BUILDER, str(store.folder), last, error]
            started.append(subprocess.Popen(command, stdin=subprocess.PIPE))
            return started[-1]

        return start

    yield make
    for process in started:
        process.kill()
        process.communicate()


def speech(bundle: Bundle) -> Encoder:
    return open_encoders(bundle, ["speech"], threads=1)["speech"]


def advance(upgrade: EngineUpgrade) -> None:
    process = upgrade._build
    assert process is not None and process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def wait_for(store: EngineStore, phase: Phase) -> None:
    deadline = time.monotonic() + 30
    while [state.state for state in store.states()] != [phase]:
        assert time.monotonic() < deadline, f"never {phase}"
        time.sleep(0.01)


def test_the_cpu_serves_until_the_engine_is_ready_and_no_request_is_lost(
    bundle: Bundle,
    serving: SwappingEncoder,
    store: EngineStore,
    builders: Callable[[str], Builder],
) -> None:
    engine = speech(bundle)
    upgrade = EngineUpgrade({"speech": serving}, lambda stream: engine, store, builders("ready"))
    expected = serving.encode(Silence)
    answers: list[bool] = []
    failures: list[Exception] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                answers.append(bool(np.array_equal(serving.encode(Silence), expected)))
            except Exception as error:
                failures.append(error)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    for phase in ("queued", "building"):
        assert upgrade.step()
        wait_for(store, phase)
        assert upgrade.step() and upgrade.waiting == ("speech",)
        advance(upgrade)
    wait_for(store, "ready")
    assert not upgrade.step()
    served = len(answers)
    while len(answers) < served + 4:
        time.sleep(0.005)
    stop.set()
    for thread in asking:
        thread.join()
    assert (failures, set(answers)) == ([], {True})
    assert serving._present is engine
    assert upgrade.failures == {}


def test_a_failed_build_leaves_the_cpu_serving_and_says_why(
    serving: SwappingEncoder, store: EngineStore, builders: Callable[[str, str], Builder]
) -> None:
    upgrade = EngineUpgrade(
        {"speech": serving}, lambda stream: pytest.fail("opened"), store, builders("failed", "why")
    )
    upgrade.step()
    for phase in ("queued", "building"):
        wait_for(store, phase)
        advance(upgrade)
    wait_for(store, "failed")
    assert not upgrade.step()
    assert upgrade.failures == {"speech": "why"}
    assert serving.encode(Silence).shape == (1, 96)


def test_a_build_that_is_killed_is_noticed(
    serving: SwappingEncoder, store: EngineStore, builders: Callable[[str], Builder]
) -> None:
    upgrade = EngineUpgrade(
        {"speech": serving}, lambda stream: pytest.fail("opened"), store, builders("ready")
    )
    upgrade.step()
    wait_for(store, "queued")
    assert upgrade._build is not None
    upgrade._build.kill()
    upgrade._build.wait()
    assert not upgrade.step()
    assert "ended with exit code -9: its build (process" in upgrade.failures["speech"]


def test_an_engine_that_does_not_open_leaves_the_cpu_serving(
    serving: SwappingEncoder, store: EngineStore
) -> None:
    def refuse(stream: str) -> Encoder:
        raise BackendError(f"no {stream} engine here")

    upgrade = EngineUpgrade({"speech": serving}, refuse, store)
    store.write_state(_written("ready", time.time()))
    assert not upgrade.step()
    assert upgrade.failures == {"speech": "no speech engine here"}
    assert serving.encode(Silence).shape == (1, 96)


def test_what_earlier_builds_left_is_not_taken_for_the_present_one(
    serving: SwappingEncoder, store: EngineStore
) -> None:
    store.write_state(_written("failed", time.time() - 60))
    upgrade = EngineUpgrade({"speech": serving}, lambda stream: pytest.fail("opened"), store)
    assert upgrade.step()
    assert upgrade.failures == {}


def test_the_watching_thread_exchanges_and_ends_by_itself(
    bundle: Bundle, serving: SwappingEncoder, store: EngineStore
) -> None:
    engine = speech(bundle)
    upgrade = EngineUpgrade({"speech": serving}, lambda stream: engine, store)
    store.write_state(_written("ready", time.time()))
    upgrade.start()
    assert upgrade._thread is not None
    upgrade._thread.join(timeout=30)
    assert serving._present is engine
    upgrade.close()
    upgrade.close()


def test_the_build_is_started_as_the_command_that_people_use(
    store: EngineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **settings: started.append(command))
    start_build(store, device="jetson-orin-nano-8gb", streams=["image", "sound"])
    (command,) = started
    assert command[:6] == ["nice", "-n", "10", sys.executable, "-m", "headstart.cli"]
    assert command[6:] == [
        *("engine", "build", "--json", "--engines", str(store.folder)),
        *("--device", "jetson-orin-nano-8gb", "--stream", "image", "--stream", "sound"),
    ]


def _written(phase: Phase, updated_at: float) -> BuildState:
    return BuildState(
        name="speech-fp32-0",
        stream="speech",
        precision="fp32",
        state=phase,
        error="as it was",
        process=ProcessIdentity.own(),
        updated_at=updated_at,
    )
