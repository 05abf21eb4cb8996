from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from headstart.export.gate_set import GateSet, encode_gate_set, read_gate_set
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.errors import CaptureError, ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "gate"
    for number in range(8):
        (root / f"class-{number}").mkdir(parents=True)
        for take in range(3):
            pixels = np.full((40, 60, 3), 10 * number + take, np.uint8)
            cv2.imwrite(str(root / f"class-{number}" / f"{take}.png"), pixels)
    return root


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder))
    return path


def test_a_folder_and_a_zip_of_it_are_the_same_gate_set(folder: Path, tmp_path: Path) -> None:
    plain = read_gate_set(folder)
    packed = read_gate_set(zipped(folder, tmp_path / "gate.zip"))
    assert list(plain.classes) == list(packed.classes) == [f"class-{n}" for n in range(8)]
    assert [list(samples) for samples in packed.classes.values()] == [["0", "1", "2"]] * 8
    image = packed.classes["class-7"]["2"].image
    assert image is not None and (image.pixels == 72).all()


def test_a_corrupt_sample_is_refused_by_name(folder: Path) -> None:
    (folder / "class-3" / "1.png").write_bytes(b"no picture")
    with pytest.raises(CaptureError, match="class-3/1.png cannot be read"):
        read_gate_set(folder)


def test_too_few_classes_are_refused(folder: Path) -> None:
    shutil.rmtree(folder / "class-0")
    with pytest.raises(ConfigError, match="holds 7 classes with 3 or more samples; expected at"):
        read_gate_set(folder)


def test_a_zip_that_leads_out_of_its_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    path = zipped(folder, tmp_path / "gate.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil.png", b"")
    with pytest.raises(ConfigError, match=r"holds '../evil.png'; expected <class>/<file>"):
        read_gate_set(path)
    assert not (tmp_path / "evil.png").exists()


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gate.zip").write_bytes(b"PK but not really")
    with pytest.raises(ConfigError, match="cannot be unpacked"):
        read_gate_set(tmp_path / "gate.zip")


def test_a_stream_that_the_samples_do_not_feed_is_refused(folder: Path, bundle: Bundle) -> None:
    encoder = open_encoders(bundle, ["speech"], threads=1)["speech"]
    with pytest.raises(ConfigError, match="holds 0 classes .* audio, which feeds the speech"):
        encode_gate_set(read_gate_set(folder), bundle.manifest.streams["speech"], encoder)


def test_each_sample_is_encoded_as_a_live_query(gate_set: GateSet, bundle: Bundle) -> None:
    encoder = open_encoders(bundle, ["speech"], threads=1)["speech"]
    encoded = encode_gate_set(gate_set, bundle.manifest.streams["speech"], encoder)
    assert {len(stems) for stems in encoded.stems.values()} == {6}
    assert {v.shape for looks in encoded.vectors.values() for v in looks} == {(5, 96)}
    assert encoded.rows().shape == (12 * 6 * 5, 96)
