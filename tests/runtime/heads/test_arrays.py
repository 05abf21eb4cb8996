"""The array operations under every head, by hand-worked numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.runtime.errors import ShapeError
from headstart.runtime.heads.arrays import (
    balance,
    class_means,
    log_sum_exp,
    one_hot,
    softmax,
    unit,
)

HOT = np.array([[1, 0], [0, 1], [0, 1], [0, 1]], np.float64)


def test_unit_scales_each_row_to_length_one() -> None:
    scaled = unit(np.array([[3.0, 4.0], [0.0, -2.0]]))
    np.testing.assert_allclose(scaled, np.array([[0.6, 0.8], [0, -1]]))


def test_a_zero_vector_stays_zero() -> None:
    assert unit(np.zeros((2, 3), np.float32)).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_zero_vector_has_a_finite_gradient(torch: Any) -> None:
    x = torch.zeros(2, 3, requires_grad=True)
    unit(x).sum().backward()
    assert bool(torch.isfinite(x.grad).all())


def test_one_hot_marks_each_label_in_the_dtype_of_its_example() -> None:
    hot = one_hot(np.array([1, 0, 1]), 2, np.zeros(1, np.float32))
    assert hot.dtype == np.float32
    assert hot.tolist() == [[0, 1], [1, 0], [0, 1]]


@pytest.mark.parametrize(
    "labels", [[0, 2], [0, 1, 3], [-1, 0, 1, 2], [1, 2]], ids=["gap", "above", "below", "no zero"]
)
def test_labels_with_gaps_or_strangers_are_refused(labels: list[int]) -> None:
    with pytest.raises(ShapeError, match="every class from 0 to 2 at least once and no other"):
        one_hot(np.array(labels), 3, np.zeros(1))


def test_class_means_by_hand() -> None:
    x = np.array([[4.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 6.0]])
    assert class_means(x, HOT).tolist() == [[4, 0], [2, 3]]


def test_balance_gives_every_class_the_same_total_and_rows_a_mean_of_one() -> None:
    weights = balance(HOT)
    np.testing.assert_allclose(weights, [2, 2 / 3, 2 / 3, 2 / 3])
    np.testing.assert_allclose(weights @ HOT, [2, 2])
    assert weights.mean() == pytest.approx(1)


def test_log_sum_exp_does_not_overflow() -> None:
    np.testing.assert_allclose(
        log_sum_exp(np.array([[1000.0, 1000.0], [-np.inf, 3.0]])), [[1000 + np.log(2)], [3]]
    )


def test_softmax_by_hand() -> None:
    given = np.array([[np.log(1.0), np.log(3.0)], [-np.inf, -1e6]])
    np.testing.assert_allclose(softmax(given), np.array([[0.25, 0.75], [0, 1]]))
