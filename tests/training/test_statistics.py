from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.calibration.statistics import unit, whitening, within_class_covariance
from headstart.runtime.bundle.manifest import (
    AudioWindows,
    ImageViews,
    Provenance,
    Space,
    StreamEntry,
    TensorEntry,
)
from headstart.runtime.errors import ConfigError
from headstart.training.sources.embedded import FACTS, Embedded
from headstart.training.sources.recipe import DataRecipe, SourceUse, StatisticsTable
from headstart.training.splits import HELD_OUT
from headstart.training.statistics import fit, fit_stream, training_rows, write

TRAINING = ["apple", "class 2", "class 0"]
VALIDATION, TEST = "mug", "goose"


def entry(pool: Literal["mean", "energy"] | None, power: float = 1.0) -> StreamEntry:
    tensor = TensorEntry(name="x", dtype="float32", shape=("batch", 3), unit="raw")
    views: AudioWindows | ImageViews = ImageViews(support=("full",), query=("full",))
    if pool is not None:
        views = AudioWindows(window_s=1.0, placement="loudest", pool=pool)
    return StreamEntry(
        modality="image" if pool is None else "audio",
        models={"fp32": "x.onnx"},
        input=tensor,
        output=tensor,
        views=views,
        space=Space(power=power),
        provenance=Provenance(what="test", source="test", licence="CC0-1.0"),
    )


def embedded(
    stream: str,
    rows: list[tuple[str, str, NDArray[Any]]],
    weights: list[float] | None = None,
    variant: str = "v",
) -> Embedded:
    """Rows of (class, kind, views ``(views, 3)``)."""
    facts = {name: np.array(["x"] * len(rows)) for name in FACTS}
    facts["class_name"] = np.array([row[0] for row in rows])
    facts["kind"] = np.array([row[1] for row in rows])
    facts["variant"] = np.array([variant] * len(rows))
    counts = [len(row[2]) for row in rows]
    total = sum(counts)
    return Embedded(
        facts=facts,
        vectors={stream: np.concatenate([row[2] for row in rows]).astype(np.float16)},
        weights={stream: np.array(weights or [1.0] * total, np.float32)},
        offsets={stream: np.cumsum([0, *counts])},
    )


def views(*rows: tuple[float, float, float]) -> NDArray[np.float64]:
    return np.array(rows, np.float64)


def test_only_training_classes_and_no_held_out_variant_count() -> None:
    rows = [(name, "speech", views((1, 0, 0))) for name in (*TRAINING, VALIDATION, TEST)]
    assert training_rows(embedded("speech", rows)).tolist() == [True, True, True, False, False]
    held = embedded("speech", rows, variant=sorted(HELD_OUT)[0])
    assert not training_rows(held).any()


def test_an_audio_mean_is_half_speech_and_half_other_sound() -> None:
    rows = [("apple", "speech", views((1, 0, 0)))] * 5 + [("class 2", "sound", views((0, 2, 0)))]
    found = fit_stream(embedded("speech", rows), "speech", entry("mean"), 0.0)
    assert found.mean.tolist() == [0.5, 0.5, 0.0]
    assert found.whitening is None
    assert (found.clips, found.classes) == (6, 0)


def test_test_classes_do_not_move_the_mean() -> None:
    rows = [("apple", "sound", views((1, 0, 0))), (TEST, "sound", views((0, 1, 0)))]
    found = fit_stream(embedded("sound", rows), "sound", entry("energy"), 0.0)
    assert found.mean.tolist() == [1.0, 0.0, 0.0]


def test_speech_windows_are_averaged_raw_before_scaling() -> None:
    rows = [("apple", "speech", views((9, 0, 0), (0, 12, 0)))]
    found = fit_stream(embedded("speech", rows), "speech", entry("mean"), 0.0)
    np.testing.assert_allclose(found.mean, [0.6, 0.8, 0.0], atol=1e-6)


def test_sound_windows_are_rooted_and_scaled_before_their_weighted_average() -> None:
    rows = [("apple", "sound", views((9, 0, 0), (0, 16, 0)))]
    data = embedded("sound", rows, weights=[3.0, 1.0])
    found = fit_stream(data, "sound", entry("energy", power=0.5), 0.0)
    np.testing.assert_allclose(found.mean, [0.75, 0.25, 0.0], atol=1e-6)


def test_the_whitening_is_fitted_on_centred_pooled_points_of_the_streams_own_kind() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (TRAINING[i % 3], "speech", rng.standard_normal((5, 3)) + 3 * np.eye(3)[i % 3])
        for i in range(30)
    ]
    other = [("class 2", "sound", rng.standard_normal((5, 3)) * 9) for _ in range(20)]
    data = embedded("speech", [*rows, *other])
    found = fit_stream(data, "speech", entry("mean"), 0.3)
    raw = np.stack([v.astype(np.float16).mean(0, dtype=np.float64) for _, _, v in rows])
    points = unit(unit(raw) - found.mean)
    expected = whitening(within_class_covariance(points, [r[0] for r in rows]), 0.3)
    assert found.whitening is not None
    np.testing.assert_allclose(found.whitening, expected, atol=1e-4)
    assert (found.clips, found.classes) == (50, 3)


def test_pictures_are_centred_on_the_mean_of_all() -> None:
    rows = [("apple", "photo", views((2, 0, 0))), ("class 2", "drawing", views((0, 2, 0)))]
    rows += [("class 0", "drawing", views((0, 2, 0)))] * 2
    found = fit_stream(embedded("image", rows), "image", entry(None), 0.0)
    assert found.mean.tolist() == [0.25, 0.75, 0.0]


def test_a_stream_without_training_data_says_which_kind_is_missing() -> None:
    data = embedded("image", [(TEST, "photo", views((1, 0, 0)))])
    with pytest.raises(ConfigError, match="image stream nothing to measure.*photo, drawing"):
        fit_stream(data, "image", entry(None), 0.0)


def test_the_file_holds_tensors_spaces_and_words(tmp_path: Path) -> None:
    from safetensors import safe_open

    rows = [(TRAINING[i % 3], "speech", views((1, i, i % 2))) for i in range(9)]
    data = embedded("speech", rows)
    entries = {"speech": entry("mean")}
    recipe = DataRecipe(sources=(SourceUse(name="emoji"), SourceUse(name="emoji")))
    fitted = fit(data, entries, StatisticsTable(speech_shrinkage=0.3))
    write(tmp_path / "s.safetensors", fitted, recipe, entries)
    with safe_open(tmp_path / "s.safetensors", framework="numpy") as opened:
        assert sorted(opened.keys()) == ["speech.mean", "speech.whitening"]
        assert np.array_equal(opened.get_tensor("speech.mean"), fitted["speech"].mean)
        notes = opened.metadata()
    assert json.loads(notes["space"]) == {"speech": {"power": 1.0, "mean_weight": 1.0}}
    assert "9 recordings or pictures, whitening from 3 classes" in notes["card"]
    assert notes["card"].count("emoji") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["s.safetensors"]
