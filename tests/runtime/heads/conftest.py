"""Small random supports with one-hot labels."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray


class Problem(NamedTuple):
    """Support ``x`` ``(rows, dim)``, ``hot`` ``(rows, ways)``, ``labels`` and ``queries``."""

    x: NDArray[Any]
    hot: NDArray[Any]
    labels: NDArray[np.int64]
    queries: NDArray[Any]


class MakeProblem(Protocol):
    """``problem(shots, dim=12, dtype=np.float64, seed=0)``: shots of each class, then shuffled."""

    def __call__(
        self, shots: tuple[int, ...], dim: int = 12, dtype: Any = np.float64, seed: int = 0
    ) -> Problem: ...


def _problem(
    shots: tuple[int, ...], dim: int = 12, dtype: Any = np.float64, seed: int = 0
) -> Problem:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(shots)), shots))
    centres = rng.normal(size=(len(shots), dim)) + 0.5  # all share a direction, as images do
    x = centres[labels] + 0.7 * rng.normal(size=(labels.size, dim))
    queries = centres[rng.integers(0, len(shots), 9)] + 0.7 * rng.normal(size=(9, dim))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    hot = np.eye(len(shots))[labels]
    return Problem(x.astype(dtype), hot.astype(dtype), labels, queries.astype(dtype))


@pytest.fixture(scope="session")
def problem() -> MakeProblem:
    return _problem
