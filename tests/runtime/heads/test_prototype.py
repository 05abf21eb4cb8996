"""Prototype heads against plain loops."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.errors import ConfigError
from headstart.runtime.heads.prototype import Metric, fit_prototypes

METRICS: tuple[Metric, ...] = get_args(Metric)


def _transform(dim: int = 12) -> NDArray[Any]:
    return np.random.default_rng(7).normal(size=(5, dim))


def _by_loops(metric: Metric, problem: Any) -> NDArray[Any]:
    """Every query against every class mean, one number at a time."""
    scores = np.empty((len(problem.queries), problem.hot.shape[1]))
    for column in range(problem.hot.shape[1]):
        members = [x for x, label in zip(problem.x, problem.labels, strict=True) if label == column]
        mean = sum(members) / len(members)
        for row, query in enumerate(problem.queries):
            if metric == "cosine":
                scores[row, column] = query @ mean / np.sqrt(mean @ mean)
            elif metric == "manhattan":
                scores[row, column] = -sum(abs(q - m) for q, m in zip(query, mean, strict=True))
            else:
                gap = query - mean if metric == "euclidean" else _transform() @ (query - mean)
                scores[row, column] = -(gap @ gap)
    return scores


def _without_common_term(scores: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(scores - scores.mean(axis=1, keepdims=True))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shots", [(1, 1), (3, 1, 5), (2,) * 20], ids=["1", "unequal", "20 ways"])
def test_scores_are_those_of_plain_loops(problem: Any, metric: Metric, shots: Any) -> None:
    given = problem(shots)
    scores = fit_prototypes(given.x, given.hot, metric, _transform()).score(given.queries)
    loops = _by_loops(metric, given)
    if metric in ("euclidean", "learned"):  # |x|² is the same for every class and left out
        scores, loops = _without_common_term(scores), _without_common_term(loops)
    np.testing.assert_allclose(scores, loops, atol=1e-12)


def test_cosine_by_hand() -> None:
    x = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, -0.8]])
    hot = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    scores = fit_prototypes(x, hot).score(np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(scores, [[np.sqrt(0.5), 0.6]])


@pytest.mark.parametrize("metric", METRICS)
def test_the_order_of_shots_does_not_matter(problem: Any, metric: Metric) -> None:
    given = problem((2, 4, 3))
    order = np.random.default_rng(1).permutation(len(given.x))
    plain = fit_prototypes(given.x, given.hot, metric, _transform())
    mixed = fit_prototypes(given.x[order], given.hot[order], metric, _transform())
    np.testing.assert_allclose(mixed.score(given.queries), plain.score(given.queries), atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_showing_every_sample_twice_changes_nothing(problem: Any, metric: Metric) -> None:
    given = problem((2, 4, 3))
    once = fit_prototypes(given.x, given.hot, metric, _transform())
    twice = fit_prototypes(
        np.concatenate([given.x] * 2), np.concatenate([given.hot] * 2), metric, _transform()
    )
    np.testing.assert_allclose(twice.score(given.queries), once.score(given.queries), atol=1e-12)


def test_the_learned_metric_needs_a_matrix(problem: Any) -> None:
    given = problem((1, 1))
    with pytest.raises(ConfigError, match=r"this bundle ships none; expected .*<stream>\.metric"):
        fit_prototypes(given.x, given.hot, "learned")
