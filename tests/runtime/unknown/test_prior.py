"""Which cell of the prior's table a gallery gets, and the mean it predicts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from headstart.runtime.unknown.prior import WIDE_PRIOR, choose_prior

GALLERY: dict[str, Any] = {
    "ways": 5, "shots": 1.0, "things": 0, "cross_deviation": 0.2, "tightness": 0.0,
}  # fmt: skip


def _choose(table: Any = WIDE_PRIOR, **changes: Any) -> Any:
    return choose_prior(table, **{**GALLERY, **changes})


def test_one_shot_without_background_by_hand() -> None:
    prior = _choose()
    assert prior.mean == pytest.approx(-1.085 + 0.103 * math.log(5) + 0.511 * 0.2)
    assert (prior.deviation, prior.mean_strength, prior.deviation_strength) == (0.198, 2, 16)


def test_several_shots_with_background_by_hand() -> None:
    prior = _choose(shots=5, things=20, tightness=-0.3)
    expected = -0.261 + 0.081 * math.log(5) + 0.328 * 0.2 - 0.335 * -0.3 - 0.261
    assert prior.mean == pytest.approx(expected)
    assert (prior.deviation, prior.mean_strength, prior.deviation_strength) == (0.148, 4, 16)


@pytest.mark.parametrize(
    ("shots", "things", "row"),
    [(1, 0, 0), (2, 0, 1), (3, 0, 2), (40, 0, 2), (1, 2, 3), (5, 3, 4), (1, 20, 5), (9, 500, 6)],
)
def test_the_nearest_cell_is_chosen(shots: float, things: int, row: int) -> None:
    assert _choose(shots=shots, things=things).deviation == WIDE_PRIOR[row, 7]


def test_tightness_counts_only_where_a_class_has_several_samples() -> None:
    assert _choose(shots=1, tightness=-0.5).mean == _choose(shots=1).mean
    assert _choose(shots=3, tightness=-0.5).mean > _choose(shots=3).mean


def test_the_bundle_s_own_table_goes_first() -> None:
    table = np.array([[1, 0, -9.0, 0, 0, 0, 0, 0.5, 1, 2]])
    assert (_choose(table).mean, _choose(table).deviation) == (-9.0, 0.5)
    assert _choose(np.empty((0, 10))).mean == _choose(WIDE_PRIOR).mean


def test_an_only_class_has_a_finite_prior() -> None:
    assert _choose(ways=1).mean == pytest.approx(-1.085 + 0.511 * 0.2)
