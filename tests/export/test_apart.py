from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnx", reason="needs the export extra")

from headstart.calibration.fp16 import to_fp16
from headstart.export.apart import ApartEncoder
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.onnxruntime import encoder_spec, open_encoders
from headstart.runtime.errors import BackendError, ShapeError

SOUND = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 16_000)).astype(np.float32)


def test_a_process_of_its_own_says_what_fp32_says(bundle: Bundle) -> None:
    encoder = ApartEncoder(bundle.model("speech"), encoder_spec(bundle, "speech"))
    here = open_encoders(bundle, ["speech"], threads=1)["speech"].encode(SOUND)
    np.testing.assert_allclose(encoder.encode(SOUND), here, rtol=1e-4, atol=1e-3)
    encoder.close()
    encoder.close()
    with pytest.raises(BackendError, match="is closed"):
        encoder.encode(SOUND)


@pytest.mark.parametrize("stream", ["image", "sound", "speech"])
def test_fp16_follows_fp32(bundle: Bundle, stream: str) -> None:
    spec = encoder_spec(bundle, stream)
    batch: NDArray[Any] = SOUND
    if stream == "image":
        batch = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    encoder = ApartEncoder(to_fp16(bundle.model(stream)), spec)
    half = encoder.encode(batch)
    encoder.close()
    full = open_encoders(bundle, [stream], threads=1)[stream].encode(batch)
    norms = np.linalg.norm(half, axis=1) * np.linalg.norm(full, axis=1)
    assert ((half * full).sum(1) / norms).min() > 0.999


def test_a_child_that_dies_is_an_error_and_not_the_end_of_us(bundle: Bundle) -> None:
    encoder = ApartEncoder(b"not a model", encoder_spec(bundle, "speech"))
    with pytest.raises(BackendError, match="the speech model ended its process with code 1"):
        encoder.encode(SOUND)
    encoder.close()


def test_a_wrong_batch_never_reaches_the_child(bundle: Bundle) -> None:
    encoder = ApartEncoder(bundle.model("speech"), encoder_spec(bundle, "speech"))
    with pytest.raises(ShapeError, match="the speech encoder was given"):
        encoder.encode(SOUND[:, :100])
    encoder.close()
