from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError
from headstart.training.sources.cache import Cache
from headstart.training.sources.furniture import PACKAGE, VIEWS, furniture
from headstart.training.sources.wavefront import draw, read_model

SQUARE = """mtllib square.mtl
v -1 -1 0
v 1 -1 0
v 1 1 0
v -1 1 0
usemtl red
f 1/1/1 2/2/1 3/3/1 4/4/1
"""
BEHIND = """v -1 -1 -1
v 1 -1 -1
v 1 1 -1
v -1 1 -1
usemtl blue
f -4 -3 -2 -1
"""
MATERIALS = "newmtl red\nKd 1 0 0\nnewmtl blue\nKd 0 0 1\n"


def write(tmp_path: Path, obj: str, mtl: str = MATERIALS) -> Path:
    (tmp_path / "square.mtl").write_text(mtl)
    (tmp_path / "square.obj").write_text(obj)
    return tmp_path / "square.obj"


def test_a_polygon_becomes_a_fan_of_triangles_with_its_material(tmp_path: Path) -> None:
    model = read_model(write(tmp_path, SQUARE))
    half = 1 / np.sqrt(2)
    expected = [[[-1, -1, 0], [1, -1, 0], [1, 1, 0]], [[-1, -1, 0], [1, 1, 0], [-1, 1, 0]]]
    np.testing.assert_allclose(model.corners, np.array(expected) * half)
    assert model.colours.tolist() == [[255, 0, 0], [255, 0, 0]]


def test_a_texture_counts_with_its_mean_colour(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "t.png"), np.array([[[0, 10, 100], [0, 30, 200]]], np.uint8))
    model = read_model(write(tmp_path, SQUARE, "newmtl red\nKd 1 1 1\nmap_Kd t.png\n"))
    assert model.colours[0].tolist() == [150, 20, 0]


def test_the_nearer_side_hides_the_farther(tmp_path: Path) -> None:
    model = read_model(write(tmp_path, SQUARE + BEHIND))
    front, back = draw(model, 0.0, 0.0, 64), draw(model, np.pi, 0.0, 64)
    assert front[32, 32, 0] > 100
    assert front[32, 32, 2] == 0
    assert back[32, 32, 2] > 100
    assert back[32, 32, 0] == 0


def test_around_the_model_the_picture_is_transparent(tmp_path: Path) -> None:
    picture = draw(read_model(write(tmp_path, SQUARE)), 0.0, 0.0, 64)
    assert picture.shape == (64, 64, 4)
    assert picture[0, 0, 3] == 0
    assert picture[32, 32, 3] == 255
    # A square of side √2 in a 2-unit view of which 96 % is used, seen 3 away.
    assert (picture[..., 3] > 127).mean() == pytest.approx((np.sqrt(2) / 2 * 0.96) ** 2, abs=0.03)


def test_from_above_the_model_is_seen_from_above(tmp_path: Path) -> None:
    floor = "mtllib square.mtl\nv -1 0 -1\nv 1 0 -1\nv 1 0 1\nv -1 0 1\nusemtl red\nf 1 2 3 4\n"
    model = read_model(write(tmp_path, floor))
    level = (draw(model, 0.3, 0.0, 64)[..., 3] > 127).mean()
    above = (draw(model, 0.3, 1.2, 64)[..., 3] > 127).mean()
    assert level < 0.03
    assert above > 0.3


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        ("v 0 0 0\n", "has 0 triangles"),
        ("v 0 0 0\nf 1 2 3\n", "vertex 2 of 1"),
        ("v a b c\n", "could not convert"),
        ("v 0 0 0\nf 0 0 0\n", "cannot be read"),
    ],
    ids=["no faces", "missing vertex", "not a number", "vertex 0"],
)
def test_a_damaged_model_is_skipped_with_its_reason(tmp_path: Path, obj: str, words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        read_model(write(tmp_path, obj))


def test_furniture_is_seen_from_all_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    root = tmp_path / f"{PACKAGE.stage.replace('packages/', 'unpacked/')}-all"
    root.mkdir(parents=True)
    for catalogue in ("BlendSwap-CC-0", "Scopia"):
        with zipfile.ZipFile(root / f"{catalogue}.sh3f", "w") as pack:
            pack.writestr("chair/chair.obj", SQUARE + BEHIND)
    items = furniture(Cache(root=tmp_path))
    assert len(items) == VIEWS
    assert {(i.class_name, i.licence) for i in items} == {("furniture/chair", "CC0-1.0")}
    pictures = [item.read() for item in items]
    assert np.array_equal(pictures[0], items[0].read())
    assert not np.array_equal(pictures[0], pictures[1])
