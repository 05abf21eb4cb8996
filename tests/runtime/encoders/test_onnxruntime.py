from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.encoders.onnxruntime import (
    MAX_THREADS,
    OnnxRuntimeEncoder,
    default_threads,
    encoder_spec,
    open_encoders,
)
from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.errors import ArtifactError, BackendError, MissingDependency, ShapeError

Inputs = dict[str, NDArray[Any]]
STREAMS = ("image", "sound", "speech")
# Largest difference from the published models' own numbers, which reach 5.3, 4.6 and 52 here.
TOLERANCE = {"image": 1e-4, "sound": 1e-3, "speech": 2e-3}


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="module")
def encoders(bundle: Bundle) -> Iterator[dict[str, Encoder]]:
    opened = open_encoders(bundle, threads=1)
    yield opened
    for encoder in opened.values():
        encoder.close()


@pytest.mark.parametrize("stream", STREAMS)
def test_the_shipped_files_say_what_the_published_models_say(
    stream: str, encoders: dict[str, Encoder], fixed_inputs: Inputs, published: dict[str, Any]
) -> None:
    found = encoders[stream].encode(fixed_inputs[stream])
    expected = published[stream]
    numbers = found[:, :: expected["step"]]
    np.testing.assert_allclose(numbers, expected["numbers"], rtol=0, atol=TOLERANCE[stream])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), expected["norm"], rtol=1e-4)


@pytest.mark.parametrize("stream", STREAMS)
def test_an_item_does_not_depend_on_its_batch(
    stream: str, encoders: dict[str, Encoder], fixed_inputs: Inputs
) -> None:
    encoder, batch = encoders[stream], fixed_inputs[stream]
    together = encoder.encode(batch)
    for item, embedding in zip(batch, together, strict=True):
        np.testing.assert_array_equal(encoder.encode(item[None])[0], embedding)


@pytest.mark.parametrize("stream", STREAMS)
def test_the_caller_owns_the_result(
    stream: str, encoders: dict[str, Encoder], fixed_inputs: Inputs
) -> None:
    encoder, batch = encoders[stream], fixed_inputs[stream]
    first = encoder.encode(batch)
    kept = first.copy()
    encoder.encode(batch[::-1])
    np.testing.assert_array_equal(first, kept)
    assert first.flags.owndata and first.flags.writeable


def test_views_that_are_not_contiguous_are_read_rightly(
    encoders: dict[str, Encoder], fixed_inputs: Inputs
) -> None:
    mirrored = fixed_inputs["image"][:, :, ::-1]
    np.testing.assert_array_equal(
        encoders["image"].encode(mirrored), encoders["image"].encode(mirrored.copy())
    )


def test_silence_has_a_finite_embedding(encoders: dict[str, Encoder]) -> None:
    silence = np.zeros((1, 16_000), np.float32)
    for stream in ("sound", "speech"):
        assert np.isfinite(encoders[stream].encode(silence)).all()


def test_the_spec_is_the_manifests(bundle: Bundle, encoders: dict[str, Encoder]) -> None:
    spec = encoders["image"].spec
    assert (spec.stream, spec.modality, spec.input_dtype) == ("image", "image", "uint8")
    assert (spec.input_shape, spec.dim) == ((224, 224, 3), 1280)
    assert spec.sha256 == bundle.manifest.files["image.onnx"].sha256
    assert [encoders[name].spec.dim for name in STREAMS] == [1280, 1024, 96]


def test_only_the_streams_asked_for_are_opened_in_the_manifests_order(bundle: Bundle) -> None:
    assert list(open_encoders(bundle, ["speech", "sound"], threads=1)) == ["sound", "speech"]


def test_a_stream_that_the_bundle_lacks_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ArtifactError, match=r"has no stream 'smell'; expected one of \['image'"):
        open_encoders(bundle, ["smell"])


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 16_000), np.float64),
        np.zeros((1, 15_999), np.float32),
        np.zeros(16_000, np.float32),
        np.zeros((0, 16_000), np.float32),
    ],
    ids=["float64", "too short", "no batch axis", "empty batch"],
)
def test_a_batch_of_another_shape_or_type_is_refused(
    batch: NDArray[Any], encoders: dict[str, Encoder]
) -> None:
    with pytest.raises(ShapeError, match="the speech encoder was given .* expected float32"):
        encoders["speech"].encode(batch)


def test_a_closed_encoder_says_so_and_closes_twice(bundle: Bundle) -> None:
    encoder = open_encoders(bundle, ["speech"], threads=1)["speech"]
    encoder.close()
    encoder.close()
    with pytest.raises(BackendError, match="the speech encoder is closed"):
        encoder.encode(np.zeros((1, 16_000), np.float32))


def test_a_model_that_is_not_onnx_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BackendError, match="ONNX Runtime refuses the speech model"):
        OnnxRuntimeEncoder(b"not a model", encoder_spec(bundle, "speech"))


def test_a_model_that_is_not_what_the_manifest_says_is_refused(bundle: Bundle) -> None:
    wrong = replace(encoder_spec(bundle, "speech"), dim=95)
    with pytest.raises(BackendError, match=r"\(96,\)\]; expected .*\(95,\)\] after the batch axis"):
        OnnxRuntimeEncoder(bundle.model("speech"), wrong)


def test_a_model_opens_from_its_path_as_from_its_bytes(
    bundle: Bundle, encoders: dict[str, Encoder], fixed_inputs: Inputs
) -> None:
    spec = encoder_spec(bundle, "speech")
    from_path = OnnxRuntimeEncoder(bundle.path / "speech.onnx", spec, threads=1)
    np.testing.assert_array_equal(
        from_path.encode(fixed_inputs["speech"]), encoders["speech"].encode(fixed_inputs["speech"])
    )


def test_a_missing_onnxruntime_names_the_command(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match='pip install "onnxruntime'):
        open_encoders(bundle, ["speech"])


def test_failures_inside_onnxruntime_become_our_error(bundle: Bundle) -> None:
    class Failing:
        def run(self, *arguments: object) -> None:
            raise RuntimeError("out of memory\nand a long trace")

    encoder = OnnxRuntimeEncoder(bundle.model("speech"), encoder_spec(bundle, "speech"), threads=1)
    encoder._session = Failing()
    with pytest.raises(BackendError, match=r"in the speech encoder \(out of memory\); expected"):
        encoder.encode(np.zeros((1, 16_000), np.float32))


def test_threads_follow_the_cores_up_to_a_limit() -> None:
    assert 1 <= default_threads() <= MAX_THREADS


def test_opening_the_starter_imports_neither_torch_nor_onnx_nor_opencv() -> None:
    program = (
        "import sys\n"
        "from headstart.runtime.bundle.load import load_bundle\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "from headstart.runtime.encoders.onnxruntime import open_encoders\n"
        "open_encoders(load_bundle(), threads=1)\n"
        "assert 'onnxruntime' in sys.modules\n"
        "print(*({'torch', 'onnx', 'cv2', 'av', 'tensorrt'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")
