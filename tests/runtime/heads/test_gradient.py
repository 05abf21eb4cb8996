"""The gradient head: where it starts, what a step is, and that steps do not diverge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.heads.arrays import balance, log_sum_exp
from headstart.runtime.heads.gradient import fit_gradient
from headstart.runtime.heads.linear import LinearHead
from headstart.runtime.heads.prototype import fit_prototypes


def _loss(scores: NDArray[Any], hot: NDArray[Any]) -> float:
    log_probability = ((scores - log_sum_exp(scores)) * hot).sum(axis=1)
    return float(-(balance(hot) * log_probability).mean())


def test_zero_steps_is_a_prototypical_network(problem: Any) -> None:
    given = problem((1, 4, 2))
    head = fit_gradient(given.x, given.hot, 8.0, ())
    prototypes = fit_prototypes(given.x, given.hot, "euclidean")
    assert isinstance(prototypes, LinearHead)
    np.testing.assert_array_equal(head.weights, 8.0 * prototypes.weights)
    np.testing.assert_array_equal(head.bias, 8.0 * prototypes.bias)


def test_zero_sized_steps_leave_the_start_as_it_was(problem: Any) -> None:
    given = problem((1, 4, 2))
    moved = fit_gradient(given.x, given.hot, 8.0, (0.0, 0.0))
    start = fit_gradient(given.x, given.hot, 8.0, ())
    np.testing.assert_allclose(moved.score(given.queries), start.score(given.queries), atol=1e-12)


@pytest.mark.parametrize("shots", [(1, 1), (3, 1, 5), (9, 9)], ids=["1", "unequal", "tall"])
def test_steps_are_those_of_autograd(problem: Any, torch: Any, shots: Any) -> None:
    """The same descent, with torch's own gradient of the class-balanced cross-entropy."""
    given, steps = problem(shots), (1.0, 0.5, 2.0)
    x, weight = torch.tensor(given.x), torch.tensor(balance(given.hot) / len(given.x))
    labels = torch.tensor(given.labels)
    middle = (weight[:, None] * x).sum(0)
    centred = x - middle
    moment = centred.T @ (weight[:, None] * centred)
    largest = torch.linalg.eigvalsh(moment).max() + 1e-6
    means = torch.stack([x[labels == c].mean(0) for c in range(len(shots))])
    weights = (16.0 * means).requires_grad_()
    bias = (-8.0 * means.square().sum(1) + weights.detach() @ middle).requires_grad_()
    for step in steps:
        each = torch.nn.functional.cross_entropy(
            centred @ weights.T + bias, labels, reduction="none"
        )
        along = torch.autograd.grad((weight * each).sum(), (weights, bias))
        weights = (weights - step / largest * along[0]).detach().requires_grad_()
        bias = (bias - step * along[1]).detach().requires_grad_()
    theirs = (torch.tensor(given.queries) - middle) @ weights.T + bias
    ours = fit_gradient(given.x, given.hot, 8.0, steps).score(given.queries)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-9)


@pytest.mark.parametrize("shots", [(1,) * 5, (5,) * 5, (10,) * 20], ids=["5w1s", "5w5s", "20w10s"])
def test_every_step_of_one_lowers_the_loss_on_features_that_share_a_direction(
    problem: Any, shots: Any
) -> None:
    given = problem(shots, dim=32)
    x = given.x + 3.0 / np.sqrt(32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    losses = [
        _loss(fit_gradient(x, given.hot, 8.0, (1.0,) * count).score(x), given.hot)
        for count in range(6)
    ]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("ways", [1, 2])
def test_identical_samples_give_finite_equal_scores(ways: int) -> None:
    x = np.tile(np.array([[0.6, 0.8]], np.float32), (2 * ways, 1))
    hot = np.eye(ways, dtype=np.float32)[[0, ways - 1] * ways]
    scores = fit_gradient(x, hot, 8.0, (1.0, 1.0, 1.0)).score(x)
    np.testing.assert_allclose(scores, scores[0, 0], rtol=1e-4)
