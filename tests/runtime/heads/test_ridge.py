"""Ridge regression against hand-worked numbers and three other solutions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.runtime.heads.arrays import balance
from headstart.runtime.heads.ridge import fit_ridge

SHOTS = {
    "1-shot": (1, 1, 1),
    "unequal": (5, 1, 2),
    "more rows than axes": (9, 8, 7),
    "one way": (4,),
}
each_kind = pytest.mark.parametrize("shots", SHOTS.values(), ids=SHOTS.keys())


def test_two_perpendicular_samples_by_hand() -> None:
    """(I + λI) W = I with λ = 1: W is half the identity."""
    head = fit_ridge(np.eye(2), np.eye(2), 1.0)
    assert head.weights.tolist() == [[0.5, 0], [0, 0.5]]
    assert head.score(np.array([[0.6, 0.8]])).tolist() == [[0.3, 0.4]]


def test_unequal_shots_by_hand() -> None:
    """Rows weigh 3/2 and twice 3/4: along the second axis W = 1.5 / (1.5 + 0.5) either way."""
    x = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    hot = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_allclose(fit_ridge(x, hot, 0.5).weights, [[0.75, 0], [0, 0.75]])


@each_kind
def test_it_is_least_squares_with_a_row_of_penalty_for_each_axis(problem: Any, shots: Any) -> None:
    given = problem(shots)
    root = np.sqrt(balance(given.hot))[:, None]
    rows = np.concatenate([root * given.x, np.sqrt(0.3) * np.eye(12)])
    targets = np.concatenate([root * given.hot, np.zeros((12, len(shots)))])
    solution = np.linalg.lstsq(rows, targets, rcond=None)[0]
    head = fit_ridge(given.x, given.hot, 0.3)
    np.testing.assert_allclose(head.weights, solution.T, atol=1e-10)
    assert not head.bias.any()


@each_kind
def test_scikit_learn_agrees(problem: Any, shots: Any) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not here")
    given = problem(shots)
    model = linear_model.Ridge(alpha=0.3, fit_intercept=False)
    model.fit(given.x, given.hot, sample_weight=balance(given.hot))
    theirs = model.predict(given.queries).reshape(len(given.queries), -1)
    ours = fit_ridge(given.x, given.hot, 0.3).score(given.queries)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_both_ways_to_solve_it_agree(problem: Any) -> None:
    """Axes that are always zero change nothing but which of the two matrices is smaller."""
    given = problem((9, 8, 7))
    wide = np.pad(given.x, ((0, 0), (0, 30)))
    np.testing.assert_allclose(
        fit_ridge(wide, given.hot, 0.3).weights[:, :12],
        fit_ridge(given.x, given.hot, 0.3).weights,
        atol=1e-12,
    )


def test_the_order_of_shots_and_classes_does_not_matter(problem: Any) -> None:
    given = problem((2, 4, 3))
    rng = np.random.default_rng(3)
    order, classes = rng.permutation(9), rng.permutation(3)
    plain = fit_ridge(given.x, given.hot, 0.3).score(given.queries)
    mixed = fit_ridge(given.x[order], given.hot[order][:, classes], 0.3).score(given.queries)
    np.testing.assert_allclose(mixed, plain[:, classes], atol=1e-12)


def test_a_class_shown_often_does_not_pull_queries_to_itself() -> None:
    """Half way between two classes both score the same, ten samples against one or not."""
    x = np.array([[1.0, 0.0]] * 10 + [[0.0, 1.0]])
    hot = np.array([[1.0, 0.0]] * 10 + [[0.0, 1.0]])
    first, second = fit_ridge(x, hot, 0.3).score(np.array([[0.7, 0.7]]))[0]
    assert first == pytest.approx(second)


def test_identical_samples_of_two_classes_score_the_same() -> None:
    x = np.tile(np.array([[0.6, 0.8]], np.float32), (4, 1))
    hot = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    scores = fit_ridge(x, hot, 0.3).score(x)
    np.testing.assert_allclose(scores, scores[0, 0], rtol=1e-5)
    assert np.isfinite(scores).all()
