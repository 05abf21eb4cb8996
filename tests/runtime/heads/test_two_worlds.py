"""One formula, two worlds: NumPy on the device and torch in training say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headstart.runtime.heads import arrays
from headstart.runtime.heads.gradient import fit_gradient
from headstart.runtime.heads.lda import fit_lda
from headstart.runtime.heads.prototype import fit_prototypes
from headstart.runtime.heads.ridge import fit_ridge

Fit = Callable[[Any, Any, Any], Any]
"""Support, one-hot labels, a matrix of the same dimension → a fitted head."""

HEADS: dict[str, Fit] = {
    "cosine": lambda x, hot, matrix: fit_prototypes(x, hot, "cosine"),
    "euclidean": lambda x, hot, matrix: fit_prototypes(x, hot, "euclidean"),
    "manhattan": lambda x, hot, matrix: fit_prototypes(x, hot, "manhattan"),
    "learned": lambda x, hot, matrix: fit_prototypes(x, hot, "learned", matrix),
    "ridge": lambda x, hot, matrix: fit_ridge(x, hot, 0.3),
    "lda": lambda x, hot, matrix: fit_lda(x, hot, matrix, 50.0),
    "lda, no covariance": lambda x, hot, matrix: fit_lda(x, hot, None, 50.0),
    "gradient": lambda x, hot, matrix: fit_gradient(x, hot, 8.0, (1.0, 1.0, 1.0)),
}
each_head = pytest.mark.parametrize("fit", HEADS.values(), ids=HEADS.keys())


@each_head
@pytest.mark.parametrize("ways", [2, 5, 20])
@pytest.mark.parametrize("shots", [1, 3, 10])
def test_scores_agree_in_single_precision(
    problem: Any, torch: Any, fit: Fit, ways: int, shots: int
) -> None:
    given = problem((shots,) * ways, dim=32, dtype=np.float32)
    matrix = 0.5 * np.eye(32, dtype=np.float32) + np.float32(0.01)
    ours = fit(given.x, given.hot, matrix).score(given.queries)
    head = fit(*(torch.from_numpy(a) for a in (given.x, given.hot, matrix)))
    theirs = head.score(torch.from_numpy(given.queries)).numpy()
    assert ours.dtype == theirs.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * max(1.0, float(np.abs(theirs).max())))


@each_head
def test_gradients_flow_to_support_and_queries(problem: Any, torch: Any, fit: Fit) -> None:
    """Against finite differences, in double precision."""
    given = problem((2, 1, 3), dim=4)
    hot, matrix = torch.tensor(given.hot), torch.eye(4, dtype=torch.float64)

    def scores(x: Any, queries: Any) -> Any:
        return fit(x, hot, matrix).score(queries)

    inputs = [torch.tensor(a, requires_grad=True) for a in (given.x, given.queries[:2])]
    assert torch.autograd.gradcheck(scores, inputs)


def test_gradients_flow_to_what_is_meta_trained(problem: Any, torch: Any) -> None:
    given = problem((2, 1, 3), dim=4)
    x, hot, queries = (torch.tensor(a) for a in (given.x, given.hot, given.queries[:2]))

    def scores(penalty: Any, scale: Any, steps: Any, prior_rows: Any, matrix: Any) -> Any:
        heads = (
            fit_ridge(x, hot, penalty),
            fit_gradient(x, hot, scale, steps),
            fit_lda(x, hot, matrix @ matrix.T + torch.eye(4), prior_rows),
            fit_prototypes(x, hot, "learned", matrix),
        )
        return torch.cat([head.score(queries) for head in heads])

    values = (0.3, 8.0, [1.0, 0.5], 50.0, np.diag([1.0, 2.0, 1.5, 0.5]))
    inputs = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in values]
    assert torch.autograd.gradcheck(scores, inputs)


@pytest.mark.parametrize(
    "function",
    [arrays.unit, arrays.log_sum_exp, arrays.softmax, lambda x: arrays.balance(x * x + 0.1)],
    ids=["unit", "log_sum_exp", "softmax", "balance"],
)
def test_array_functions_agree(rows: Any, torch: Any, function: Callable[[Any], Any]) -> None:
    x = 3 * rows(0, 6, 5)
    theirs = function(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(function(x), theirs, atol=1e-6)


def test_one_hot_and_class_means_agree(rows: Any, torch: Any) -> None:
    x, labels = rows(0, 6, 5), np.array([0, 2, 1, 1, 2, 0])
    hot = arrays.one_hot(torch.from_numpy(labels), 3, torch.from_numpy(x))
    np.testing.assert_array_equal(hot.numpy(), arrays.one_hot(labels, 3, x))
    means = arrays.class_means(torch.from_numpy(x), hot)
    np.testing.assert_allclose(means.numpy(), arrays.class_means(x, hot.numpy()), atol=1e-6)
