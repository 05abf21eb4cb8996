"""What a picture, a sound and a sample refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.runtime.errors import ShapeError
from headstart.runtime.sample import AudioClip, Frame, Sample

FRAME = Frame(pixels=np.zeros((2, 3, 3), np.uint8))
CLIP = AudioClip(samples=np.zeros(8_000, np.float32))


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 3, 3), np.float32),
        np.zeros((2, 3, 4), np.uint8),
        np.zeros((2, 3), np.uint8),
        np.zeros((0, 3, 3), np.uint8),
    ],
    ids=["float", "alpha", "grey", "empty"],
)
def test_a_picture_is_rgb_bytes(pixels: Any) -> None:
    with pytest.raises(ShapeError, match=r"a picture came as .*; expected uint8 \(height, width"):
        Frame(pixels=pixels)


def test_one_pixel_is_a_picture() -> None:
    assert Frame(pixels=np.zeros((1, 1, 3), np.uint8), time_s=1.5).time_s == 1.5


@pytest.mark.parametrize(
    "samples",
    [np.zeros(4), np.zeros((4, 1), np.float32), np.zeros(0, np.float32), np.zeros(4, np.int16)],
    ids=["double", "channels", "empty", "integers"],
)
def test_a_sound_is_mono_float32(samples: Any) -> None:
    with pytest.raises(ShapeError, match=r"sound came as .*in mono at 16000 Hz, at least one"):
        AudioClip(samples=samples)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sound_holds_numbers(value: float) -> None:
    with pytest.raises(ShapeError, match="sound holds NaN or infinite values"):
        AudioClip(samples=np.array([0.0, value], np.float32))


def test_a_sound_knows_how_long_it_is() -> None:
    assert CLIP.duration_s == 0.5


@pytest.mark.parametrize(
    ("image", "audio", "modalities"),
    [(FRAME, None, ("image",)), (None, CLIP, ("audio",)), (FRAME, CLIP, ("image", "audio"))],
    ids=["image", "audio", "both"],
)
def test_a_sample_knows_what_it_holds(
    image: Frame | None, audio: AudioClip | None, modalities: tuple[str, ...]
) -> None:
    assert Sample(image=image, audio=audio).modalities == modalities


def test_a_sample_holds_something() -> None:
    with pytest.raises(ShapeError, match="from 'door.mp4' holds neither image nor audio"):
        Sample(source="door.mp4")


@pytest.mark.parametrize("value", [FRAME, CLIP, Sample(image=FRAME)], ids=["frame", "clip", "both"])
def test_samples_do_not_change(value: object) -> None:
    with pytest.raises(AttributeError):
        value.time_s = 3.0  # type: ignore[attr-defined]
