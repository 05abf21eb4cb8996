"""What a stream's views refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.errors import ShapeError

ONES = np.ones(2, np.float32)


@pytest.mark.parametrize(
    ("vectors", "weights"),
    [
        (np.ones((2, 3)), ONES),
        (np.ones(3, np.float32), ONES),
        (np.ones((0, 3), np.float32), np.ones(0, np.float32)),
        (np.ones((3, 3), np.float32), ONES),
    ],
    ids=["double", "one vector", "none", "weights"],
)
def test_views_are_rows_with_a_weight_each(vectors: Any, weights: Any) -> None:
    with pytest.raises(ShapeError, match=r"expected float32 \(views, dim\) and \(views,\)"):
        StreamViews(vectors=vectors, weights=weights)


@pytest.mark.parametrize(
    ("value", "weight"),
    [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan), (1.0, -1.0), (1.0, 0.0)],
    ids=["NaN", "infinite", "NaN weight", "negative weight", "no weight"],
)
def test_views_and_weights_are_finite_and_some_count(value: float, weight: float) -> None:
    vectors = np.array([[value, 1.0]], np.float32)
    with pytest.raises(ShapeError, match="check the encoder's input"):
        StreamViews(vectors=vectors, weights=np.array([weight], np.float32))


def test_an_embedding_has_a_stream() -> None:
    with pytest.raises(ShapeError, match="from 'a.jpg' gave no embedding"):
        Embedding(streams={}, source="a.jpg")
