"""Student's t and the expected maximum against published numbers and other integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.runtime.unknown.student import expected_maximum, student_quantile

# Tables of Student's t (Fisher and Yates), and for one and two degrees the closed forms.
TABLE = [
    (0.95, 1, 6.313751514675041),
    (0.99, 2, 0.98 / math.sqrt(2 * 0.99 * 0.01)),
    (0.95, 3, 2.353363434801823),
    (0.95, 4, 2.131846786326649),
    (0.99, 5, 3.364929998907217),
    (0.975, 10, 2.228138851964939),
    (0.95, 30, 1.697260886593957),
    (0.999, 120, 3.159538744),
]


@pytest.mark.parametrize(("probability", "freedom", "quantile"), TABLE)
def test_published_quantiles(probability: float, freedom: float, quantile: float) -> None:
    assert student_quantile(probability, freedom) == pytest.approx(quantile, rel=1e-8)


@given(probability=st.floats(1e-6, 1 - 1e-6))
def test_one_degree_is_cauchy(probability: float) -> None:
    assert student_quantile(probability, 1.0) == pytest.approx(
        math.tan(math.pi * (probability - 0.5)), rel=1e-6, abs=1e-9
    )


@given(probability=st.floats(0.001, 0.999), freedom=st.floats(1, 500))
def test_quantiles_are_those_of_scipy(probability: float, freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not here")
    assert student_quantile(probability, freedom) == pytest.approx(
        float(stats.t.ppf(probability, freedom)), rel=1e-6, abs=1e-9
    )


@given(probability=st.floats(0.001, 0.999), freedom=st.floats(1, 500))
def test_the_tails_mirror_each_other(probability: float, freedom: float) -> None:
    upper = student_quantile(1 - probability, freedom)
    assert student_quantile(probability, freedom) == pytest.approx(-upper, abs=1e-7, rel=1e-7)


def test_many_degrees_are_normal() -> None:
    assert student_quantile(0.975, 1e7) == pytest.approx(1.959963984540054, rel=1e-6)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, 0.0),
        (1, 0.0),
        (2, 1 / math.sqrt(math.pi)),
        (3, 1.5 / math.sqrt(math.pi)),
        (4, 1.0293753730),
        (5, 1.1629644736),
        (10, 1.5387527308),
        (100, 2.5075936364),
        (1000, 3.2414357),
    ],
)
def test_expected_maximum_of_order_statistics_tables(count: int, expected: float) -> None:
    assert expected_maximum(count) == pytest.approx(expected, abs=1e-4)


def test_expected_maximum_of_simulated_values() -> None:
    largest = np.random.default_rng(0).normal(size=(200_000, 7)).max(axis=1)
    assert expected_maximum(7) == pytest.approx(float(largest.mean()), abs=0.005)


def test_it_rises_up_to_ten_thousand() -> None:
    values = [expected_maximum(n) for n in (1, 2, 5, 50, 1000, 10_000)]
    assert values == sorted(values) and values[-1] == pytest.approx(3.852, abs=0.001)
