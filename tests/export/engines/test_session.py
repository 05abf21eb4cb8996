from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.export.engines import session as session_module
from headstart.export.engines.builder import BuiltPlan
from headstart.export.engines.listing import EngineLine, list_engines
from headstart.export.engines.request import EngineRequest, engine_requests
from headstart.export.engines.session import BuildSession
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.device_config import load_device
from headstart.runtime.engines.key import ANY_GPU, EngineTarget
from headstart.runtime.engines.process import BuildLock
from headstart.runtime.engines.record import BuildState
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.tensorrt_api import MessageLog, TensorRt
from headstart.runtime.errors import ArtifactError, ConfigError

ORIN = EngineTarget(flavour="tensorrt", version="10.3.0", gpu="Orin", compute_capability="8.7")
NONE = TensorRt(
    module=None, flavour="tensorrt", version="10.3.0", logger=None, messages=MessageLog()
)
Build = Callable[..., BuiltPlan]


@pytest.fixture
def wanted(bundle: Bundle) -> tuple[EngineRequest, ...]:
    return engine_requests(bundle, load_device("jetson-orin-nano-8gb"), ORIN)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A builder that takes no time; gives the models that it was asked to build."""
    built: list[bytes] = []

    def build(api: TensorRt, model: bytes, **settings: object) -> BuiltPlan:
        built.append(model)
        progress = settings["progress"]
        assert callable(progress)
        progress("parsing", 0, 0)
        for step in range(100):
            progress("building: Timing tactics", step, 100)
        return BuiltPlan(plan=model[:100], timing_cache=b"measured")

    monkeypatch.setattr(session_module, "build_plan", build)
    return built


def accept(plan: bytes, request: EngineRequest, bundle: Bundle, api: TensorRt) -> str:
    return "believed"


def lines(store: EngineStore, bundle: Bundle, target: EngineTarget) -> dict[str, EngineLine]:
    return {line.stream: line for line in list_engines(store, bundle, target)}


def test_the_real_builder_fills_the_store_and_the_second_run_finds_it(
    bundle: Bundle, store: EngineStore, api: TensorRt, requests: tuple[EngineRequest, ...]
) -> None:
    states = BuildSession(bundle, store, api).run(requests)
    assert [(state.stream, state.state) for state in states] == [
        ("image", "ready"),
        ("sound", "ready"),
        ("speech", "ready"),
    ]
    assert all(store.is_whole(record) for record in store.records())
    if requests[0].key.target.gpu == ANY_GPU:
        assert {r.checked for r in store.records()} == {"not loaded: built without a GPU"}
    before = store.records()
    again = BuildSession(bundle, store, api).run(requests)
    assert [state.stage for state in again] == ["built earlier"] * 3
    assert store.records() == before


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "streams",
    [
        pytest.param(["speech"], id="small"),
        pytest.param(["image", "sound", "speech"], id="all", marks=pytest.mark.slow),
    ],
)
def test_killed_20_times_at_random_moments_the_store_is_never_damaged(
    tmp_path: Path, api: TensorRt, streams: list[str]
) -> None:
    program = Path(__file__).with_name("kill_loop.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "engines"), "20", *streams],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["killed"], found["damaged"]) == (20, 0)
    assert found["at_the_end"] == ["ready"] * len(streams)
    assert (found["whole"], found["parts"]) == ([True] * len(streams), [])
    # The moments did fall into builds, and each of those was seen for what it was.
    assert found["seen"]["stale"] >= 5
    assert set(found["seen"]) <= {"stale", "ready"}


def test_everything_is_queued_first_and_each_stage_is_shown_before_it_begins(
    bundle: Bundle, store: EngineStore, wanted: tuple[EngineRequest, ...], quick: list[bytes]
) -> None:
    seen: list[BuildState] = []
    BuildSession(bundle, store, NONE, accept=accept, watch=seen.append).run(wanted)
    assert [(s.stream, s.state) for s in seen[:3]] == [
        ("image", "queued"),
        ("sound", "queued"),
        ("speech", "queued"),
    ]
    image = [(s.state, s.stage) for s in seen[3:] if s.stream == "image"]
    # 100 steps within a moment are not 100 writes to the disk.
    assert image == [
        ("building", "reading the model"),
        ("building", "parsing"),
        ("building", "checking the engine"),
        ("building", "writing"),
        ("ready", ""),
    ]


def test_others_see_a_build_while_it_runs_with_what_it_took_the_last_time(
    bundle: Bundle, store: EngineStore, wanted: tuple[EngineRequest, ...], quick: list[bytes]
) -> None:
    seen: list[EngineLine] = []

    def look(plan: bytes, request: EngineRequest, bundle: Bundle, api: TensorRt) -> str:
        seen.append(lines(store, bundle, ORIN)[request.key.stream])
        return "looked"

    BuildSession(bundle, store, NONE, accept=look).run(wanted[:1])
    BuildSession(bundle, store, NONE, accept=look).run(wanted[:1], force=True)
    first, second = seen
    assert (first.state, first.stage, first.expected_s) == (
        "building",
        "checking the engine",
        None,
    )
    assert second.state == "building" and second.expected_s is not None
    assert lines(store, bundle, ORIN)["image"].checked == "looked"


def test_an_interrupted_run_goes_on_where_it_was(
    bundle: Bundle, store: EngineStore, wanted: tuple[EngineRequest, ...], quick: list[bytes]
) -> None:
    BuildSession(bundle, store, NONE, accept=accept).run(wanted[:2])
    BuildSession(bundle, store, NONE, accept=accept).run(wanted)
    assert len(quick) == 3


def test_what_acceptance_refuses_is_not_kept_and_the_others_are_built(
    bundle: Bundle, store: EngineStore, wanted: tuple[EngineRequest, ...], quick: list[bytes]
) -> None:
    def refuse_sound(plan: bytes, request: EngineRequest, bundle: Bundle, api: TensorRt) -> str:
        if request.key.stream == "sound":
            raise ArtifactError("cosine 0.1: do not ship it")
        return "fine"

    states = BuildSession(bundle, store, NONE, accept=refuse_sound).run(wanted)
    assert [state.state for state in states] == ["ready", "failed", "ready"]
    assert sorted(record.key.stream for record in store.records()) == ["image", "speech"]
    line = lines(store, bundle, ORIN)["sound"]
    assert (line.state, line.reason) == ("failed", "cosine 0.1: do not ship it")


def test_a_fault_of_ours_fails_one_engine_and_asks_for_a_report(
    bundle: Bundle,
    store: EngineStore,
    wanted: tuple[EngineRequest, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*given: object, **settings: object) -> BuiltPlan:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(session_module, "build_plan", break_down)
    (state,) = BuildSession(bundle, store, NONE, accept=accept).run(wanted[:1])
    assert (state.state, state.stage) == ("failed", "reading the model")
    assert "unexpected ZeroDivisionError (division by zero): please report it" in state.error


def test_a_disk_that_fills_up_in_the_middle_leaves_no_engine_and_says_so(
    bundle: Bundle,
    store: EngineStore,
    wanted: tuple[EngineRequest, ...],
    quick: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = EngineStore.write_state

    def commit(self: EngineStore, record: object, plan: bytes) -> None:
        # From here on nothing can be written, the failure's own state included.
        monkeypatch.setattr(EngineStore, "write_state", full)
        full(self, record)

    def full(self: EngineStore, what: object) -> None:
        raise ArtifactError("x.plan cannot be written (No space left on device); free some space")

    monkeypatch.setattr(EngineStore, "commit", commit)
    (state,) = BuildSession(bundle, store, NONE, accept=accept).run(wanted[:1])
    assert state.state == "failed" and "No space left on device" in state.error
    monkeypatch.setattr(EngineStore, "write_state", write)
    monkeypatch.undo()
    assert store.records() == ()


def test_two_builds_do_not_run_in_one_folder(
    bundle: Bundle, store: EngineStore, wanted: tuple[EngineRequest, ...], quick: list[bytes]
) -> None:
    with BuildLock(store.folder / "build.lock"):
        with pytest.raises(ArtifactError, match="another build runs in"):
            BuildSession(bundle, store, NONE, accept=accept).run(wanted)
    assert quick == []


@pytest.mark.parametrize(
    ("here", "words"),
    [
        ({"version": "10.16.2"}, "built with tensorrt 10.3.0, and this machine has tensorrt 10.16"),
        (
            {"gpu": "Thor", "compute_capability": "11.0"},
            "built for Orin (sm 8.7), and this machine",
        ),
    ],
    ids=["TensorRT", "GPU"],
)
def test_engines_that_no_longer_fit_are_listed_as_stale(
    bundle: Bundle,
    store: EngineStore,
    wanted: tuple[EngineRequest, ...],
    quick: list[bytes],
    here: dict[str, object],
    words: str,
) -> None:
    BuildSession(bundle, store, NONE, accept=accept).run(wanted[:1])
    assert lines(store, bundle, ORIN)["image"].state == "ready"
    line = lines(store, bundle, ORIN.model_copy(update=here))["image"]
    assert line.state == "stale" and words in line.reason


def test_engines_of_another_bundle_or_with_a_damaged_plan_are_listed_as_stale(
    bundle: Bundle, store: EngineStore, wanted: tuple[EngineRequest, ...], quick: list[bytes]
) -> None:
    other = wanted[1].key.model_copy(update={"onnx_sha256": "0" * 64})
    session = BuildSession(bundle, store, NONE, accept=accept)
    session.run(wanted[:1])
    changed = EngineRequest(
        key=other, model=wanted[1].model, profile=wanted[1].profile, options=wanted[1].options
    )
    session.run([changed])
    (store.folder / f"{wanted[0].key.name}.plan").write_bytes(b"cut")
    found = lines(store, bundle, ORIN)
    assert (found["sound"].state, found["sound"].reason) == (
        "stale",
        "built from another bundle's model",
    )
    assert (found["image"].state, found["image"].reason) == (
        "stale",
        "its plan is missing or damaged",
    )


def test_a_build_whose_files_were_removed_is_stale(
    bundle: Bundle, store: EngineStore, wanted: tuple[EngineRequest, ...], quick: list[bytes]
) -> None:
    BuildSession(bundle, store, NONE, accept=accept).run(wanted[:1])
    (store.folder / f"{wanted[0].key.name}.json").unlink()
    line = lines(store, bundle, ORIN)["image"]
    assert (line.state, line.reason) == (
        "stale",
        "its files are gone: run `headstart engine build`",
    )


def test_only_the_streams_asked_for_are_built(bundle: Bundle) -> None:
    device = load_device("jetson-orin-nano-8gb")
    found = engine_requests(bundle, device, ORIN, streams=["speech", "image"])
    assert [request.key.stream for request in found] == ["image", "speech"]
    with pytest.raises(ConfigError, match="has no stream 'smell'; expected some of image, sound"):
        engine_requests(bundle, device, ORIN, streams=["smell"])
