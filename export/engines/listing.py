"""What there is in a folder of engines, and whether it may be used here: for `engine list`."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.engines.key import EngineTarget
from headstart.runtime.engines.record import LIVE, BuildState, EngineRecord, Phase
from headstart.runtime.engines.store import EngineStore


@dataclass(frozen=True, kw_only=True)
class EngineLine:
    """One engine or build.

    Args:
        name: the stem of its files.
        stream: which encoder.
        precision: of the engine.
        state: queued, building, ready, failed or stale.
        stage: what a build is doing.
        step: of ``steps`` steps of the stage; 0 of 0 where TensorRT does not say.
        steps: see ``step``.
        elapsed_s: how long the build has taken, or took.
        expected_s: how long it took the last time; None where it never ran.
        reason: why it failed or is stale.
        target: the TensorRT and GPU it was built for; empty before it is built.
        plan_mb: its size; None before it is built.
        checked: what was done with it before it was kept.
        power_mode: of the board, when it was built.
    """

    name: str
    stream: str
    precision: str
    state: Phase
    stage: str
    step: int
    steps: int
    elapsed_s: float
    expected_s: float | None
    reason: str
    target: str
    plan_mb: float | None
    checked: str
    power_mode: str | None


def list_engines(
    store: EngineStore, bundle: Bundle, target: EngineTarget | None
) -> tuple[EngineLine, ...]:
    """All builds and engines by stream.

    Args:
        store: the folder.
        bundle: engines of other bundles' models are stale.
        target: this machine's; None where it cannot be known, then nothing is compared with it.
    """
    records = {record.key.name: record for record in store.records()}
    states = {state.name: state for state in store.states()}
    lines = [
        _line(store, bundle, target, records.get(name), states.get(name))
        for name in {**states, **records}
    ]
    return tuple(sorted(lines, key=lambda line: (line.stream, line.precision, line.name)))


def _line(
    store: EngineStore,
    bundle: Bundle,
    target: EngineTarget | None,
    record: EngineRecord | None,
    state: BuildState | None,
) -> EngineLine:
    live = state is not None and (state.state in LIVE or record is None)
    if state is not None and live:
        return _from_state(state, record)
    if record is None:
        raise AssertionError("a line without record and state")
    reason = _refusal(store, bundle, target, record)
    return EngineLine(
        name=record.key.name,
        stream=record.key.stream,
        precision=record.key.precision,
        state="stale" if reason else "ready",
        stage="",
        step=0,
        steps=0,
        elapsed_s=record.seconds,
        expected_s=record.seconds,
        reason=reason,
        target=str(record.key.target),
        plan_mb=record.plan_bytes / 1e6,
        checked=record.checked,
        power_mode=record.power_mode,
    )


def _from_state(state: BuildState, record: EngineRecord | None) -> EngineLine:
    missing = state.state == "ready" and record is None
    return EngineLine(
        name=state.name,
        stream=state.stream,
        precision=state.precision,
        state="stale" if missing else state.state,
        stage=state.stage,
        step=state.step,
        steps=state.steps,
        elapsed_s=state.elapsed_s,
        expected_s=state.expected_s,
        reason="its files are gone: run `headstart engine build`" if missing else state.error,
        target="" if record is None else str(record.key.target),
        plan_mb=None if record is None else record.plan_bytes / 1e6,
        checked="" if record is None else record.checked,
        power_mode=None if record is None else record.power_mode,
    )


def _refusal(
    store: EngineStore, bundle: Bundle, target: EngineTarget | None, record: EngineRecord
) -> str:
    """Why an engine may not be used here; empty where it may."""
    entry = bundle.manifest.streams.get(record.key.stream)
    hashes = {bundle.manifest.files[name].sha256 for name in entry.models.values()} if entry else ()
    if record.key.onnx_sha256 not in hashes:
        return "built from another bundle's model"
    refusal = None if target is None else record.key.target.refusal(target)
    if refusal is not None:
        return refusal
    return "" if store.is_whole(record) else "its plan is missing or damaged"
