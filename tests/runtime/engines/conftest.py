"""Engines that were never built: only their files and records matter here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.runtime.engines.key import EngineKey, EngineTarget
from headstart.runtime.engines.record import EngineRecord
from headstart.runtime.engines.store import EngineStore

ORIN = EngineTarget(flavour="tensorrt", version="10.3.0", gpu="Orin", compute_capability="8.7")


@pytest.fixture
def orin() -> EngineTarget:
    return ORIN


@pytest.fixture
def store(tmp_path: Path) -> EngineStore:
    return EngineStore(tmp_path / "engines")


@pytest.fixture
def keep(store: EngineStore) -> Callable[..., EngineRecord]:
    """Keeps a made-up engine; fields of its key can be given."""

    def keep_engine(plan: bytes = b"plan", built_at: float = 1.0, **fields: object) -> EngineRecord:
        key = EngineKey(
            stream="image",
            onnx_sha256="a" * 64,
            target=ORIN,
            precision="fp16",
            profile="image:1x2:1x2:7x2",
            flags=("workspace_mb=512",),
        ).model_copy(update=fields)
        record = EngineRecord(
            key=key,
            plan_sha256=hashlib.sha256(plan).hexdigest(),
            plan_bytes=len(plan),
            bundle_digest="b" * 64,
            built_at=built_at,
            seconds=12.5,
            checked="made up",
        )
        store.commit(record, plan)
        return record

    return keep_engine
