from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="needs the export extra")

from headstart.export.gate_set import read_gate_set
from headstart.training import gate_material
from headstart.training.gate_material import Share, chosen, write_material
from headstart.training.sources.cache import Cache
from headstart.training.sources.embedded import Scenery
from headstart.training.sources.item import Item
from headstart.training.splits import SPLITS, split_of

SHARES = (
    Share(source="cut-outs", kinds=("photo",), classes=5, takes=4),
    Share(source="noises", kinds=("sound",), classes=5, takes=3),
)


def picture() -> NDArray[Any]:
    return np.full((40, 40, 4), 200, np.uint8)


def sound() -> NDArray[Any]:
    return (0.3 * np.sin(np.arange(80_000) / 20)).astype(np.float32)


def items(source: str, cache: Cache) -> list[Item]:
    modality, kind, made = (
        ("image", "photo", picture) if source == "cut-outs" else ("audio", "sound", sound)
    )
    return [
        Item(
            key=f"{number}", origin=made, modality=modality, class_name=f"{source}/{number}",
            variant="one", kind=kind, source=source, licence="own",
        )
        for number in range(80)
    ]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    behind = Scenery(backgrounds=[np.zeros((300, 300, 3), np.uint8)], noises=[])
    monkeypatch.setattr(gate_material, "items_of", items)
    monkeypatch.setattr(gate_material, "scenery", lambda cache: behind)
    written = write_material(
        tmp_path / "gate", "validation", Cache(root=tmp_path / "cache"), shares=SHARES
    )
    assert written == 5 * 4 + 5 * 3
    return tmp_path / "gate"


def test_the_folder_is_a_gate_set(folder: Path) -> None:
    gate_set = read_gate_set(folder)
    assert (len(gate_set.of("image")), len(gate_set.of("audio"))) == (5, 5)
    assert {len(samples) for samples in gate_set.of("image").values()} == {4}


def test_takes_of_one_thing_differ_and_sounds_are_cut_short(folder: Path) -> None:
    classes = read_gate_set(folder).classes
    looks = [s.image.pixels for s in next(iter(classes.values())).values() if s.image is not None]
    assert not np.array_equal(looks[0], looks[1])
    lengths = [s.audio.samples.size for c in classes.values() for s in c.values() if s.audio]
    assert max(lengths) == 48_000


def test_calibration_and_gate_share_no_class(tmp_path: Path) -> None:
    listed = items("noises", Cache(root=tmp_path))
    picked = [set(chosen(listed, SHARES[1], split)) for split in SPLITS]
    assert all(picked)
    assert not picked[0] & picked[1]
    assert {split_of(name) for name in picked[1]} == {"validation"}
