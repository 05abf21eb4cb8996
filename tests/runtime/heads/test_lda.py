"""Linear discriminant analysis against Gaussian densities and scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.heads.lda import fit_lda


def _relative(scores: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(scores - scores[:, :1])


def _covariance(dim: int) -> NDArray[Any]:
    root = np.random.default_rng(2).normal(size=(dim, dim))
    return np.asarray(root @ root.T / dim + 0.1 * np.eye(dim))


def test_two_samples_by_hand() -> None:
    """No scatter and no freedom: the prior covariance 2·I alone, W = μ/2, b = −|μ|²/4."""
    x = np.array([[2.0, 0.0], [0.0, 4.0]])
    head = fit_lda(x, np.eye(2), 2.0 * np.eye(2), prior_rows=3.0)
    np.testing.assert_allclose(head.weights, [[1, 0], [0, 2]])
    np.testing.assert_allclose(head.bias, [-1, -4])


@pytest.mark.parametrize("shots", [(1, 1), (4, 1, 3), (10,) * 3], ids=["1", "unequal", "10"])
def test_scores_are_gaussian_log_densities(problem: Any, shots: Any) -> None:
    given, prior = problem(shots), _covariance(12)
    means = np.array([given.x[given.labels == c].mean(axis=0) for c in range(len(shots))])
    scatter = sum(np.outer(d, d) for d in given.x - means[given.labels])
    shared = (scatter + 5.0 * prior) / (len(given.x) - len(shots) + 5.0)
    precision = np.linalg.inv(shared)
    gaps = given.queries[:, None, :] - means[None, :, :]
    density = -0.5 * np.einsum("qcd,de,qce->qc", gaps, precision, gaps)
    ours = fit_lda(given.x, given.hot, prior, 5.0).score(given.queries)
    np.testing.assert_allclose(_relative(ours), _relative(density), atol=1e-9)


def test_scikit_learn_agrees(problem: Any) -> None:
    """Its shrinkage mixes the same two matrices; ours divides by n − ways + p, theirs by n + p."""
    module = pytest.importorskip("sklearn.discriminant_analysis", reason="scikit-learn is not here")
    given = problem((6, 6, 6), dim=5)
    within = (
        given.x - np.array([given.x[given.labels == c].mean(0) for c in range(3)])[given.labels]
    )
    spherical = np.trace(within.T @ within) / 18 / 5 * np.eye(5)
    theirs = module.LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=4.0 / (18 + 4.0), priors=[1 / 3] * 3
    )
    theirs.fit(given.x, given.labels)
    ours = fit_lda(given.x, given.hot, spherical, 4.0).score(given.queries)
    scale = (18 - 3 + 4.0) / (18 + 4.0)
    np.testing.assert_allclose(
        _relative(ours) / scale, _relative(theirs.decision_function(given.queries)), atol=1e-8
    )


def test_without_a_covariance_the_nearest_mean_wins(problem: Any) -> None:
    """With far more prior rows than samples, the scaled identity orders by Euclidean distance."""
    given = problem((2, 3, 2))
    means = np.array([given.x[given.labels == c].mean(axis=0) for c in range(3)])
    ours = fit_lda(given.x, given.hot, None, prior_rows=1e9).score(given.queries)
    gaps = given.queries[:, None, :] - means[None, :, :]
    variance = ((given.x - given.x.mean(axis=0)) ** 2).mean() + 1e-6
    nearest = -0.5 * np.square(gaps).sum(axis=2) / variance
    np.testing.assert_allclose(_relative(ours), _relative(nearest), atol=1e-6)


@pytest.mark.parametrize("ways", [1, 2])
def test_identical_samples_give_finite_scores(ways: int) -> None:
    x = np.tile(np.array([[0.6, 0.8]], np.float32), (2 * ways, 1))
    hot = np.eye(ways, dtype=np.float32)[[0, ways - 1] * ways]
    scores = fit_lda(x, hot, None, 50.0).score(x)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores, scores[0, 0], rtol=1e-4)
