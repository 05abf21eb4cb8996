from __future__ import annotations

import numpy as np
import pytest

from headstart.calibration.statistics import (
    balanced_mean,
    unit,
    whitening,
    within_class_covariance,
)
from headstart.runtime.errors import ShapeError


def test_unit_leaves_a_zero_row_zero() -> None:
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[0.6, 0.8], [0.0, 0.0]]


def test_a_large_group_does_not_pull_the_balanced_mean() -> None:
    small, large = np.array([[4.0, 0.0]]), np.array([[0.0, 2.0]] * 99)
    assert balanced_mean([small, large]).tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    "groups",
    [[], [np.zeros((0, 2))], [np.zeros(2)]],
    ids=["none", "empty", "flat"],
)
def test_the_mean_of_nothing_is_refused(groups: list[np.ndarray]) -> None:
    with pytest.raises(ShapeError, match="every source gave items"):
        balanced_mean(groups)


def test_groups_of_different_encoders_are_refused() -> None:
    with pytest.raises(ShapeError, match="same encoder"):
        balanced_mean([np.zeros((1, 2)), np.zeros((1, 3))])


def test_within_class_covariance_by_hand() -> None:
    # Class a: ±1 on the first axis around (5, 0); class b: ±2 on the second around (0, 9).
    vectors = np.array([[4.0, 0], [6, 0], [0, 7], [0, 11]])
    found = within_class_covariance(vectors, ["a", "a", "b", "b"])
    assert found.tolist() == [[1.0, 0.0], [0.0, 4.0]]


def test_a_class_with_one_take_changes_nothing() -> None:
    vectors = np.array([[4.0, 0], [6, 0], [100, 100]])
    with_single = within_class_covariance(vectors, ["a", "a", "alone"])
    without = within_class_covariance(vectors[:2], ["a", "a"])
    assert np.array_equal(with_single, without)


def test_moving_a_class_does_not_change_the_covariance() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((30, 4))
    labels = [f"class {i % 3}" for i in range(30)]
    moved = vectors + np.array([[i % 3 * 10.0] for i in range(30)])
    np.testing.assert_allclose(
        within_class_covariance(moved, labels), within_class_covariance(vectors, labels), atol=1e-12
    )


def test_only_single_takes_are_refused() -> None:
    with pytest.raises(ShapeError, match="no class has two members"):
        within_class_covariance(np.eye(3), ["a", "b", "c"])


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="one label a row"):
        within_class_covariance(np.eye(3), ["a", "b"])


def test_whitening_makes_the_shrunk_covariance_a_multiple_of_the_identity() -> None:
    rng = np.random.default_rng(1)
    factor = rng.standard_normal((6, 6))
    covariance = factor @ factor.T
    matrix = whitening(covariance, 0.3)
    scale = np.trace(covariance) / 6
    shrunk = 0.7 * covariance / scale + 0.3 * np.eye(6)
    np.testing.assert_allclose(matrix @ shrunk @ matrix.T, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)


def test_full_shrinkage_is_the_identity() -> None:
    covariance = np.diag([1.0, 5.0, 9.0])
    np.testing.assert_allclose(whitening(covariance, 1.0), np.eye(3), atol=1e-12)


def test_whitening_does_not_depend_on_the_covariance_scale() -> None:
    covariance = np.diag([1.0, 5.0, 9.0])
    np.testing.assert_allclose(whitening(covariance, 0.5), whitening(7 * covariance, 0.5))


@pytest.mark.parametrize("shrinkage", [0.0, -0.1, 1.1])
def test_shrinkage_outside_its_range_is_refused(shrinkage: float) -> None:
    with pytest.raises(ShapeError, match="shrinkage above 0"):
        whitening(np.eye(2), shrinkage)


def test_takes_that_never_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match="covariance is zero"):
        whitening(np.zeros((2, 2)), 0.5)
