from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.training.sources.item import Item, Maker, Reading
from headstart.training.sources.media import read_picture, write_sound


def item(key: str, origin: Path | Maker, modality: str = "audio") -> Item:
    return Item(
        key=key,
        origin=origin,
        modality=modality,
        class_name="bell",
        variant="one",
        kind="sound",
        source="test",
        licence="CC0-1.0",
    )


def test_a_sound_file_is_read_as_the_device_reads_it(tmp_path: Path) -> None:
    wave = (np.sin(np.arange(16_000) / 8) / 2).astype(np.float32)
    write_sound(tmp_path / "a.wav", wave)
    samples = item("a", tmp_path / "a.wav").read()
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, wave, atol=2 / 32767)


def test_a_made_item_is_made_again_each_time() -> None:
    made = item("a", lambda: np.zeros(3, np.float32))
    first = made.read()
    first += 1
    assert made.read().tolist() == [0, 0, 0]


def test_what_cannot_be_read_is_skipped_counted_and_listed(tmp_path: Path) -> None:
    def broken() -> np.ndarray:
        raise CaptureError("it is broken")

    (tmp_path / "bad.wav").write_bytes(b"RIFF but no more")
    good = item("good", lambda: np.ones(2, np.float32))
    reading = Reading(items=[item("a", broken), good, item("b", tmp_path / "bad.wav")])
    assert [found.key for found, _ in reading] == ["good"]
    assert [(s.key, s.source) for s in reading.skipped] == [("a", "test"), ("b", "test")]
    assert reading.skipped[0].reason == "it is broken"
    assert "bad.wav" in reading.skipped[1].reason


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one of image, audio"):
        item("a", Path("a"), modality="smell")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (np.full((2, 3), 7, np.uint8), (2, 3, 3)),
        (np.full((2, 3, 3), 7, np.uint8), (2, 3, 3)),
        (np.full((2, 3, 4), 7, np.uint8), (2, 3, 4)),
        (np.full((2, 3), 7 * 257, np.uint16), (2, 3, 3)),
    ],
    ids=["grey", "rgb", "rgba", "16-bit"],
)
def test_pictures_of_any_kind_become_eight_bit_colour(
    tmp_path: Path, made: np.ndarray, expected: tuple[int, ...]
) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), made)
    pixels = read_picture(tmp_path / "a.png")
    assert pixels.shape == expected
    assert pixels.dtype == np.uint8
    assert (pixels == 7).all()


def test_colours_keep_their_order(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.array([[[3, 2, 1]]], np.uint8))
    assert read_picture(tmp_path / "a.png").tolist() == [[[1, 2, 3]]]


def test_a_damaged_picture_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(CaptureError, match="cannot be decoded"):
        read_picture(tmp_path / "a.png")


def test_an_empty_or_missing_picture_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    for name in ("empty.png", "missing.png"):
        with pytest.raises(CaptureError, match="cannot be"):
            read_picture(tmp_path / name)
