"""Crops and sizes of pictures, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.embedding.views import image_views, resize
from headstart.runtime.errors import ConfigError


def _numbered(height: int, width: int) -> NDArray[np.uint8]:
    """Each pixel says where it is: row, column, 7."""
    row, column = np.mgrid[0:height, 0:width]
    return np.asarray(np.stack([row, column, np.full_like(row, 7)], axis=-1), np.uint8)


CORNERS = {"top-left": (0, 0), "top-right": (0, 2), "bottom-left": (2, 0), "bottom-right": (2, 2)}
VIEWS = ("full", "flip", "middle", *CORNERS)


@pytest.mark.parametrize("name", CORNERS)
def test_a_corner_is_four_fifths_of_each_side(name: str) -> None:
    picture, (top, left) = _numbered(10, 10), CORNERS[name]
    (view,) = image_views(picture, [name], 8)
    np.testing.assert_array_equal(view, picture[top : top + 8, left : left + 8])


def test_the_middle_is_seven_eighths_of_each_side() -> None:
    picture = _numbered(16, 16)
    (view,) = image_views(picture, ["middle"], 14)
    np.testing.assert_array_equal(view, picture[1:15, 1:15])


def test_full_and_flip_keep_the_whole_picture() -> None:
    picture = _numbered(8, 8)
    full, flip = image_views(picture, ["full", "flip"], 8)
    np.testing.assert_array_equal(full, picture)
    np.testing.assert_array_equal(flip, picture[:, ::-1])


def test_views_come_in_the_order_of_their_names() -> None:
    picture = _numbered(20, 30)
    names = ["bottom-right", "full", "flip", "middle"]
    together = image_views(picture, names, 16)
    assert together.shape == (4, 16, 16, 3)
    assert together.dtype == np.uint8
    for name, view in zip(names, together, strict=True):
        np.testing.assert_array_equal(view, image_views(picture, [name], 16)[0])


def test_shrinking_averages() -> None:
    board = np.zeros((8, 8, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 200
    assert np.unique(resize(board, 4)).tolist() == [100]


@pytest.mark.parametrize("side", [64, 100, 256])
def test_shrinking_a_lot_does_not_alias(side: int) -> None:
    """A chessboard of single pixels becomes an even grey, whatever the ratio."""
    board = np.zeros((8 * side, 8 * side, 3), np.uint8)
    board[::2, ::2] = board[1::2, 1::2] = 200
    assert np.ptp(resize(board, side)) <= 2


def test_nothing_is_cut_off_when_the_aspect_changes() -> None:
    picture = np.zeros((4, 16, 3), np.uint8)
    picture[:, :8] = 250
    small = resize(picture, 4)
    assert (small[:, :2] == 250).all() and (small[:, 2:] == 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3), (1080, 1920)])
@pytest.mark.parametrize("name", VIEWS)
def test_any_picture_has_every_view(shape: tuple[int, int], name: str) -> None:
    (view,) = image_views(np.full((*shape, 3), 9, np.uint8), [name], 224)
    assert view.shape == (224, 224, 3)
    assert np.unique(view).tolist() == [9]


def test_a_read_only_or_strided_picture_is_read_rightly() -> None:
    picture = _numbered(16, 16)
    strided = np.repeat(picture, 2, axis=1)[:, ::2]
    strided.flags.writeable = False
    np.testing.assert_array_equal(resize(strided, 16), picture)


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"image views \['left'\]; this version knows \['bottom-"):
        image_views(_numbered(8, 8), ["full", "left"], 8)
