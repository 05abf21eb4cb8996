from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the export extra")

from headstart.calibration.samples import BatchReader, calibration_inputs, calibration_items
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.errors import CaptureError, ShapeError


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    bundle = load_bundle()
    return Embedder(bundle.manifest.streams, open_encoders(bundle, threads=1))


def test_each_stream_gets_one_prepared_input_of_every_sample(
    data: Path, embedder: Embedder
) -> None:
    inputs = calibration_inputs(data, embedder)
    assert {s: (a.shape, a.dtype.name) for s, a in inputs.items()} == {
        "image": ((24, 224, 224, 3), "uint8"),
        "sound": ((24, 16_000), "float32"),
        "speech": ((24, 16_000), "float32"),
    }


def test_few_samples_are_taken_from_all_classes(data: Path) -> None:
    labels = [item.label for item in calibration_items(data, 8)]
    assert sorted(labels) == [f"thing-{number}" for number in range(8)]


def test_a_plain_folder_of_media_is_enough(data: Path, embedder: Embedder, tmp_path: Path) -> None:
    for number in range(8):
        for take in range(2):
            shutil.copy(data / f"thing-{number}/take-{take}.jpg", tmp_path / f"{number}{take}.jpg")
            shutil.copy(data / f"thing-{number}/take-{take}.wav", tmp_path / f"{number}{take}.wav")
    assert len(calibration_inputs(tmp_path, embedder)["image"]) == 16


def test_too_few_samples_are_refused_by_stream(
    data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    shutil.copytree(data / "thing-0", tmp_path / "few" / "thing-0")
    with pytest.raises(CaptureError, match="3 samples for the image encoder; expected at least 16"):
        calibration_inputs(tmp_path / "few", embedder)


def test_a_corrupt_sample_stops_the_calibration(
    data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    shutil.copytree(data, tmp_path / "broken")
    (tmp_path / "broken/thing-3/take-1.jpg").write_bytes(b"\xff\xd8 not a picture")
    with pytest.raises(CaptureError, match="calibration stops at .*take-1.jpg"):
        calibration_inputs(tmp_path / "broken", embedder)


def test_batches_come_in_order_and_end_with_none() -> None:
    reader = BatchReader("x", np.arange(10, dtype=np.float32)[:, None], batch_items=4)
    sizes = []
    while (batch := reader.get_next()) is not None:
        sizes.append(len(batch["x"]))
    assert (sizes, reader.used, reader.asked) == ([4, 4, 2], 3, 3)
    reader.check_used()


def test_a_bad_batch_raises_instead_of_looking_like_the_end() -> None:
    inputs = np.ones((8, 3), np.float32)
    inputs[5, 1] = np.nan
    reader = BatchReader("x", inputs, batch_items=4)
    reader.get_next()
    with pytest.raises(ShapeError, match=r"batch 1 of 2 \(float32 \(4, 3\)\) holds NaN"):
        reader.get_next()


def test_ranges_from_a_part_of_the_data_are_refused() -> None:
    reader = BatchReader("x", np.ones((8, 3), np.float32), batch_items=4)
    reader.get_next()
    with pytest.raises(ShapeError, match="took 1 of 2 batches"):
        reader.check_used()
