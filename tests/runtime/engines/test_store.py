from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.runtime.engines.key import EngineTarget
from headstart.runtime.engines.record import EngineRecord
from headstart.runtime.engines.store import EngineStore, default_engine_folder
from headstart.runtime.errors import ArtifactError

Keep = Callable[..., EngineRecord]
MODEL = "a" * 64


def test_an_engine_comes_back_as_it_was_kept(store: EngineStore, keep: Keep) -> None:
    record = keep(b"the plan")
    assert store.find(record.key) == record
    assert store.load_plan(record) == b"the plan"
    assert store.records() == (record,)


def test_an_empty_folder_has_nothing_and_is_not_made(store: EngineStore) -> None:
    assert (store.records(), store.states()) == ((), ())
    assert not store.folder.exists()


@pytest.mark.parametrize("plan", [b"the pla", b"", b"the plaN"], ids=["cut", "empty", "changed"])
def test_a_damaged_plan_is_never_given_out(store: EngineStore, keep: Keep, plan: bytes) -> None:
    record = keep(b"the plan")
    (store.folder / f"{record.key.name}.plan").write_bytes(plan)
    with pytest.raises(
        ArtifactError, match=rf"is damaged \({len(plan)} bytes; expected 8 .*again|run"
    ):
        store.load_plan(record)
    assert not store.is_whole(record)


def test_a_plan_without_a_record_does_not_count(store: EngineStore, keep: Keep) -> None:
    record = keep()
    (store.folder / f"{record.key.name}.json").unlink()
    assert store.records() == ()


def test_a_record_that_is_not_ours_is_passed_over_and_said(
    store: EngineStore, keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    record = keep()
    (store.folder / "image-fp16-0.json").write_text('{"key": 1}')
    with caplog.at_level(logging.WARNING):
        assert store.records() == (record,)
    assert "image-fp16-0.json is passed over" in caplog.text


def test_the_newest_engine_that_fits_is_used(
    store: EngineStore, keep: Keep, orin: EngineTarget
) -> None:
    keep(built_at=1.0)
    newer = keep(built_at=2.0, precision="fp32")
    keep(built_at=3.0, stream="sound")
    keep(built_at=4.0, onnx_sha256="c" * 64)
    assert store.usable("image", [MODEL], orin, None) == newer
    assert store.usable("image", [MODEL], orin, "fp16").key.precision == "fp16"


@pytest.mark.parametrize(
    ("kept", "asked", "words"),
    [
        ({}, {"gpu": "Thor"}, r"\(the one there is refused: built for Orin \(sm 8.7\), and this"),
        ({}, {"version": "10.16.2"}, "built with tensorrt 10.3.0, and this machine has tensorrt 1"),
        ({"onnx_sha256": "c" * 64}, {}, "built from another bundle's model"),
        ({"stream": "sound"}, {}, r"no engine of image for tensorrt .* \(none was built\)"),
        ({"precision": "int8"}, {}, "it is int8, and fp16 was asked for"),
    ],
    ids=["GPU", "TensorRT", "bundle", "stream", "precision"],
)
def test_an_engine_that_does_not_fit_is_refused_with_the_reason(
    store: EngineStore,
    keep: Keep,
    orin: EngineTarget,
    kept: dict[str, object],
    asked: dict[str, object],
    words: str,
) -> None:
    keep(**kept)
    with pytest.raises(ArtifactError, match=words + ".*headstart engine build"):
        store.usable("image", [MODEL], orin.model_copy(update=asked), "fp16")


def test_timing_caches_belong_to_one_target(store: EngineStore, orin: EngineTarget) -> None:
    store.write_timing_cache(orin, b"measured")
    assert store.timing_cache(orin) == b"measured"
    assert store.timing_cache(orin.model_copy(update={"version": "10.16.2"})) is None


def test_engines_lie_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_engine_folder() == tmp_path / "headstart" / "engines"
    assert EngineStore().folder == default_engine_folder()
