from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError
from headstart.training.sources.cache import Cache
from headstart.training.sources.catalogue import items_of
from headstart.training.sources.folder import own_folder
from headstart.training.sources.media import write_sound


@pytest.fixture
def data(tmp_path: Path) -> Path:
    import cv2

    root = tmp_path / "DATA"
    for name in ("mug", "bell"):
        (root / name).mkdir(parents=True)
    cv2.imwrite(str(root / "mug" / "1.png"), np.full((40, 50, 3), 90, np.uint8))
    write_sound(root / "mug" / "1.wav", np.full(8000, 0.25, np.float32))
    write_sound(root / "bell" / "2.wav", np.full(8000, 0.5, np.float32))
    return root


def test_files_that_share_a_stem_are_two_items_of_one_variant(data: Path) -> None:
    found = [(i.class_name, i.variant, i.modality, i.kind) for i in own_folder(data)]
    assert found == [
        ("bell", "2", "audio", "sound"),
        ("mug", "1", "image", "photo"),
        ("mug", "1", "audio", "sound"),
    ]


def test_items_read_as_the_device_reads_them(data: Path) -> None:
    bell, picture, sound = (item.read() for item in own_folder(data))
    assert bell.shape == sound.shape == (8000,)
    assert np.allclose(bell, 0.5, atol=1e-3)
    assert picture.shape == (40, 50, 3)
    assert (picture == 90).all()


def test_the_catalogue_takes_a_folder(data: Path, tmp_path: Path) -> None:
    items = items_of(f"folder:{data}", Cache(root=tmp_path))
    assert {item.source for item in items} == {"folder:DATA"}


def test_a_folder_without_media_says_what_it_expected(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="put each class into a folder of its own"):
        own_folder(tmp_path)
