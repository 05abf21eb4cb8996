"""A small data folder of pictures and sounds made in code."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.runtime.sample import SAMPLE_RATE_HZ, Sample

KINDS, TAKES = 6, 4


def write_sample(folder: Path, stem: str, sample: Sample) -> None:
    """``stem.png`` and ``stem.wav``, as far as the sample holds them."""
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    if sample.image is not None:
        assert cv2.imwrite(str(folder / f"{stem}.png"), sample.image.pixels[:, :, ::-1])
    if sample.audio is not None:
        with wave.open(str(folder / f"{stem}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE_HZ)
            file.writeframes(np.round(sample.audio.samples * 32767).astype("<i2").tobytes())


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory, thing: Any) -> Path:
    """Six classes of four sounds each: ``sounds/kind-0/0.wav`` …"""
    root = tmp_path_factory.mktemp("sounds")
    for kind in range(KINDS):
        for take in range(TAKES):
            write_sample(root / f"kind-{kind}", str(take), thing(kind, take, image=False))
    return root


@pytest.fixture(scope="session")
def write() -> Any:
    """``write(folder, stem, sample)``: see ``write_sample``."""
    return write_sample


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session: every file is encoded once."""
    return tmp_path_factory.mktemp("cache")
