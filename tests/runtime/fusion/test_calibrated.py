"""A stream's calibrated space, by hand and in both worlds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.runtime.fusion.calibrated import CalibratedSpace, Pool


def test_projection_by_hand() -> None:
    """[3, 4] → [.6, .8], minus half of [.6, 0] → [.3, .8], unit length."""
    space = CalibratedSpace(mean=np.array([0.6, 0.0]), mean_weight=0.5)
    np.testing.assert_allclose(
        space.project(np.array([[3.0, 4.0]])), np.array([[0.3, 0.8]]) / np.sqrt(0.73)
    )


def test_the_power_comes_first_and_negative_values_count_as_zero() -> None:
    space = CalibratedSpace(mean=np.zeros(3), power=0.5)
    np.testing.assert_allclose(space.project(np.array([[9.0, 16.0, -4.0]])), [[0.6, 0.8, 0.0]])


def test_whitening_comes_last() -> None:
    space = CalibratedSpace(mean=np.zeros(2), whitening=np.array([[0.0, 2.0], [1.0, 0.0]]))
    np.testing.assert_allclose(
        space.project(np.array([[3.0, 4.0]])), np.array([[1.6, 0.6]]) / np.sqrt(2.92)
    )


def test_mean_pools_raw_vectors_and_energy_pools_unit_vectors() -> None:
    views, weights = np.array([[8.0, 0.0], [0.0, 1.0]]), np.array([1.0, 3.0])
    pooled = {
        pool: CalibratedSpace(mean=np.zeros(2), pool=pool).points(views, weights)
        for pool in ("mean", "energy")
    }
    np.testing.assert_allclose(pooled["mean"], np.array([[8.0, 3.0]]) / np.sqrt(73))
    np.testing.assert_allclose(pooled["energy"], np.array([[1.0, 3.0]]) / np.sqrt(10))


def test_separate_views_stay_separate_and_in_order() -> None:
    views = np.array([[8.0, 0.0], [0.0, 1.0], [-2.0, 0.0]])
    points = CalibratedSpace(mean=np.zeros(2)).points(views, np.ones(3))
    assert points.tolist() == [[1, 0], [0, 1], [-1, 0]]


@pytest.mark.parametrize("pool", ["mean", "energy", "separate"])
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_the_scale_of_raw_embeddings_does_not_matter(pool: Pool, scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    views, weights = rng.uniform(0, 6, size=(3, 8)), rng.uniform(0.1, 1, 3)
    space = CalibratedSpace(mean=np.full(8, 0.2), power=0.5, pool=pool)
    points = space.points(views, weights)
    np.testing.assert_allclose(space.points(scale * views, 2.0 * weights), points, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0)


def test_an_embedding_of_zeros_stays_finite() -> None:
    space = CalibratedSpace(mean=np.zeros(4, np.float32), power=0.5)
    assert space.project(np.zeros((1, 4), np.float32)).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("pool", ["mean", "energy", "separate"])
@pytest.mark.parametrize("power", [1.0, 0.5])
def test_numpy_and_torch_agree(rows: Any, torch: Any, pool: Pool, power: float) -> None:
    raw, weights = np.abs(rows(0, 5, 16)), np.linspace(0.1, 1, 5).astype(np.float32)
    mean, whitening = 0.3 * rows(1, 1, 16)[0], rows(2, 16, 16)
    ours = CalibratedSpace(mean=mean, power=power, whitening=whitening, pool=pool)
    theirs = CalibratedSpace(
        mean=torch.from_numpy(mean), power=power, whitening=torch.from_numpy(whitening), pool=pool
    )
    points = theirs.points(torch.from_numpy(raw), torch.from_numpy(weights)).numpy()
    np.testing.assert_allclose(ours.points(raw, weights), points, atol=1e-5)


def test_gradients_flow_to_the_space(rows: Any, torch: Any) -> None:
    raw, weights = torch.tensor(np.abs(rows(0, 3, 4))).double(), torch.ones(3).double()

    def points(mean: Any, whitening: Any) -> Any:
        space = CalibratedSpace(mean=mean, power=0.5, whitening=whitening, pool="energy")
        return space.points(raw, weights)

    mean = torch.tensor(0.3 * rows(1, 1, 4)[0]).double().requires_grad_()
    assert torch.autograd.gradcheck(points, [mean, torch.eye(4).double().requires_grad_()])


def test_a_root_has_a_finite_gradient_where_an_encoder_gives_zero(torch: Any) -> None:
    """Encoders that end in a ReLU give exact zeros, where the slope of a root is infinite."""
    raw = torch.tensor([[0.0, 4.0, -1.0]], requires_grad=True)
    CalibratedSpace(mean=torch.zeros(3), power=0.5).project(raw)[0, 1].backward()
    assert bool(torch.isfinite(raw.grad).all())
