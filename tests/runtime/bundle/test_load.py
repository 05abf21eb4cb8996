from __future__ import annotations

import hashlib
import shutil
import zipfile
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from headstart.bundles import STARTER_PATH
from headstart.bundles.trusted import STARTER_MANIFEST_SHA256
from headstart.export.bundle_writer import HEAD_NAME, file_entries, head_bytes, write_bundle
from headstart.runtime.bundle import load
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.bundle.manifest import AudioWindows, ImageViews
from headstart.runtime.bundle.verify import verify
from headstart.runtime.errors import ArtifactError


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    return path


def test_the_starter_opens_and_is_trusted_by_its_hash() -> None:
    bundle = load_bundle()
    assert bundle.path == STARTER_PATH
    assert bundle.digest == STARTER_MANIFEST_SHA256
    assert bundle.trusted
    assert list(bundle.manifest.streams) == ["image", "sound", "speech"]
    assert bundle.manifest.fusion is None


def test_the_starters_views_put_the_live_query_first() -> None:
    streams = load_bundle().manifest.streams
    image, sound, speech = (streams[name].views for name in ("image", "sound", "speech"))
    assert isinstance(image, ImageViews) and image.query == image.support[:1]
    assert isinstance(sound, AudioWindows) and isinstance(speech, AudioWindows)
    assert speech.offsets_s[0] == 0.0


def test_the_starter_has_a_mean_for_every_stream() -> None:
    bundle = load_bundle()
    shapes = {name: bundle.head[f"{name}.mean"].shape for name in bundle.manifest.streams}
    assert shapes == {"image": (1280,), "sound": (1024,), "speech": (96,)}


def test_every_model_of_the_starter_is_named_in_the_notice() -> None:
    notice = (Path(__file__).parents[3] / "NOTICE").read_text()
    for entry in load_bundle().manifest.streams.values():
        assert f"{entry.models['fp32']} - " in notice


def test_a_starter_that_was_changed_is_refused_even_if_it_is_whole(
    tmp_path: Path, small_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "STARTER_PATH", small_bundle)
    with pytest.raises(ArtifactError, match="starter bundle's manifest has sha256 .* install"):
        load_bundle()


def test_a_copy_of_the_starter_is_as_trusted_as_the_starter(tmp_path: Path) -> None:
    shutil.copytree(STARTER_PATH, tmp_path / "copy")
    assert load_bundle(tmp_path / "copy").trusted


def test_another_bundle_opens_untrusted(small_bundle: Path) -> None:
    bundle = load_bundle(small_bundle)
    manifest = (small_bundle / "manifest.json").read_bytes()
    assert bundle.digest == hashlib.sha256(manifest).hexdigest()
    assert not bundle.trusted


def test_the_head_is_what_was_written_and_cannot_be_changed(small_bundle: Path) -> None:
    head = load_bundle(small_bundle).head
    np.testing.assert_array_equal(head["speech.mean"], np.linspace(-1, 1, 96, dtype=np.float32))
    with pytest.raises(ValueError, match="read-only"):
        head["speech.mean"][0] = 1
    with pytest.raises(TypeError):
        head["speech.mean"] = head["speech.mean"]  # type: ignore[index]


def test_a_bundle_is_frozen(small_bundle: Path) -> None:
    with pytest.raises(FrozenInstanceError):
        load_bundle(small_bundle).digest = ""  # type: ignore[misc]


def test_a_zip_holds_the_same_as_its_folder(small_bundle: Path) -> None:
    folder, archive = load_bundle(small_bundle), load_bundle(zipped(small_bundle))
    assert archive.digest == folder.digest
    assert archive.model("speech") == folder.model("speech")
    np.testing.assert_array_equal(archive.head["speech.mean"], folder.head["speech.mean"])


def test_a_file_that_changes_after_opening_is_refused_when_read(small_bundle: Path) -> None:
    bundle = load_bundle(small_bundle)
    path = small_bundle / "speech.onnx"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ArtifactError, match="'speech.onnx' has sha256 .*; expected"):
        bundle.model("speech")


def test_asking_for_what_a_bundle_lacks_names_what_it_has(small_bundle: Path) -> None:
    bundle = load_bundle(small_bundle)
    with pytest.raises(ArtifactError, match=r"no stream 'image'; expected one of \['speech'\]"):
        bundle.model("image")
    with pytest.raises(ArtifactError, match=r"no fp16 model of 'speech'; expected .*\['fp32'\]"):
        bundle.model("speech", "fp16")
    with pytest.raises(ArtifactError, match=r"lists no file '../x'; expected one of"):
        bundle.read("../x")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"not safetensors", "is not a safetensors file"),
        (head_bytes({"speech.mean": np.zeros(95, np.float32)}), r"has \(95,\) as 'speech.mean'"),
        (head_bytes({"other": np.zeros(1, np.float32)}), "has none as 'speech.mean'; expected"),
    ],
    ids=["garbage", "wrong length", "no mean"],
)
def test_a_head_that_does_not_fit_is_refused(
    head: bytes, words: str, small_bundle: Path, speech_onnx: bytes
) -> None:
    files = {"speech.onnx": speech_onnx, HEAD_NAME: head}
    manifest = verify(small_bundle).model_copy(update={"files": file_entries(files)})
    write_bundle(small_bundle, manifest, files)
    with pytest.raises(ArtifactError, match=words):
        load_bundle(small_bundle)
