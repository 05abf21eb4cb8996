"""Small material: a tiny network with a front end, and a folder of pictures and sounds."""

from __future__ import annotations

import wave
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.bundles import STARTER_PATH

CLASSES, TAKES = 8, 3


def tone(number: int, take: int) -> NDArray[np.float32]:
    """One second that sounds like its number, with a little noise of its own."""
    rng = np.random.default_rng((number, take))
    time_s = np.arange(16_000) / 16_000
    wave_ = np.sin(2 * np.pi * (150 + 220 * number) * time_s) * np.exp(-3 * (time_s % 0.4))
    return (0.4 * wave_ + 0.02 * rng.standard_normal(time_s.size)).astype(np.float32)


def write_folder(root: Path, classes: int = CLASSES, takes: int = TAKES) -> Path:
    """``DATA/thing-N/take-K.jpg`` and ``.wav``."""
    for number in range(classes):
        folder = root / f"thing-{number}"
        folder.mkdir(parents=True)
        for take in range(takes):
            rng = np.random.default_rng((number, take))
            tiles = np.random.default_rng(number).integers(30, 220, (4, 4, 3))
            pixels = np.kron(tiles, np.ones((20, 20, 1))) + rng.integers(-15, 16, (80, 80, 3))
            cv2.imwrite(str(folder / f"take-{take}.jpg"), pixels.clip(0, 255).astype(np.uint8))
            with wave.open(str(folder / f"take-{take}.wav"), "wb") as out:
                out.setparams((1, 2, 16_000, 0, "NONE", ""))
                out.writeframes((tone(number, take) * 32767).astype("<i2").tobytes())
    return root


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "DATA")


@pytest.fixture(scope="session")
def sounds() -> NDArray[np.float32]:
    return np.stack([tone(number, take) for number in range(8) for take in range(2)])


@pytest.fixture(scope="session")
def speech_onnx() -> bytes:
    return (STARTER_PATH / "speech.onnx").read_bytes()
