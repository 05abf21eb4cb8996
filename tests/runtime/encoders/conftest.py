"""Fixed inputs for the starter's encoders, and what the published models said about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray


def make_inputs() -> dict[str, NDArray[Any]]:
    """Two items for each stream, from formulas alone."""
    row, column = np.mgrid[0:224, 0:224]
    waves = [(row // 4 + column * (k + 1) // 3) % 256 for k in range(3)]
    disc = ((row - 100) ** 2 + (column - 120) ** 2 < 60**2)[..., None] * np.array([200, 90, 30])
    time_s = np.arange(16_000) / 16_000
    sweep = 0.3 * np.sin(2 * np.pi * (200 + 1_500 * time_s) * time_s)
    pulses = 0.5 * np.sin(2 * np.pi * 440 * time_s) * np.exp(-8 * (time_s % 0.25))
    sounds = np.stack([sweep, pulses]).astype(np.float32)
    pictures = np.stack([np.stack(waves, axis=-1), disc]).astype(np.uint8)
    return {"image": pictures, "sound": sounds, "speech": sounds}


@pytest.fixture(scope="session")
def fixed_inputs() -> dict[str, NDArray[Any]]:
    return make_inputs()


@pytest.fixture(scope="session")
def published() -> dict[str, Any]:
    """Per stream: every ``step``-th number of each published embedding, and its length."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "published.json").read_text())
    return found
