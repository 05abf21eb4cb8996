from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="needs the export extra")
import onnxruntime

from headstart.bundles import STARTER_PATH
from headstart.calibration.dft_kernels import dft_of, with_formulas


def kernels(size: int, bins: NDArray[np.int64], taps: int) -> NDArray[np.float32]:
    n = np.arange(taps)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / taps)
    angle = 2 * np.pi * ((bins[:, None] * n) % size) / size
    return (np.concatenate([np.cos(angle), -np.sin(angle)]) * window).astype(np.float32)


@pytest.mark.parametrize(("size", "taps"), [(512, 400), (256, 256), (1024, 640)])
def test_size_bins_and_window_are_read_off_the_kernels(size: int, taps: int) -> None:
    bins = np.arange(3, size // 2, 5)
    found = dft_of(kernels(size, bins, taps))
    assert found is not None
    assert (found[0], found[1].tolist()) == (size, bins.tolist())
    expected = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(taps) / taps)
    np.testing.assert_allclose(found[2], expected, atol=1e-7)


def test_other_kernels_are_left_alone() -> None:
    bent = kernels(512, np.arange(4, 100), 400)
    bent[7, 200] += 1e-4
    assert dft_of(bent) is None
    assert dft_of(np.random.default_rng(0).normal(size=(64, 400)).astype(np.float32)) is None
    assert dft_of(bent[:-1]) is None


@pytest.mark.parametrize(("stream", "left"), [("sound", 0.95), ("speech", 0.79)])
def test_a_starter_model_says_the_same_in_fewer_bytes(stream: str, left: float) -> None:
    data = (STARTER_PATH / f"{stream}.onnx").read_bytes()
    smaller = with_formulas(onnx.load_from_string(data)).SerializeToString()
    assert len(smaller) < left * len(data)
    onnx.checker.check_model(onnx.load_from_string(smaller), full_check=True)
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 16_000)).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(m, providers=["CPUExecutionProvider"]).run(
            None, {stream: sound}
        )[0]
        for m in (data, smaller)
    )
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()


def test_a_model_without_a_spectrogram_stays_as_it_is() -> None:
    data = (STARTER_PATH / "image.onnx").read_bytes()
    model = onnx.load_from_string(data)
    assert with_formulas(model) == onnx.load_from_string(data)
