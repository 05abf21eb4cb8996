"""Which head is fitted when, and with what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.runtime.errors import ConfigError
from headstart.runtime.heads.adapt import HEADS, adapt, check_head, choose_method
from headstart.runtime.heads.gradient import fit_gradient
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.heads.lda import fit_lda
from headstart.runtime.heads.prototype import fit_prototypes
from headstart.runtime.heads.ridge import fit_ridge

START = LearnedInitialization(
    ridge_penalty=0.7, gradient_scale=5.0, gradient_steps=(0.5, 0.25), lda_prior_rows=9.0
)
MATRIX = np.diag(np.arange(1.0, 13.0))


@pytest.mark.parametrize(
    ("rows", "ways", "method"),
    [(1, 1, "prototype"), (5, 5, "prototype"), (6, 5, "ridge"), (35, 5, "ridge")],
)
def test_auto_is_prototypes_while_every_class_has_one_row(
    rows: int, ways: int, method: str
) -> None:
    assert choose_method("auto", rows, ways) == method


@pytest.mark.parametrize("name", HEADS[1:])
def test_a_named_head_is_what_is_fitted(name: str) -> None:
    assert choose_method(check_head(name), 1, 1) == name


@pytest.mark.parametrize("name", ["", "Ridge", "prototype:cosine", "prototype:", "maml"])
def test_an_unknown_head_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match="there is no head .*auto, prototype, .*, gradient"):
        check_head(name)


@pytest.mark.parametrize("name", ["auto", "ridgy", "prototype:chebyshev"])
def test_only_methods_can_be_fitted(name: str, problem: Any) -> None:
    given = problem((1, 1))
    with pytest.raises(ConfigError, match=f"there is no head '{name}'"):
        adapt(name, given.x, given.hot, START)


def test_each_head_starts_from_the_learned_initialization(problem: Any) -> None:
    given = problem((2, 3))
    x, hot = given.x, given.hot
    fitted = {
        "prototype": fit_prototypes(x, hot, "cosine"),
        "prototype:euclidean": fit_prototypes(x, hot, "euclidean"),
        "prototype:manhattan": fit_prototypes(x, hot, "manhattan"),
        "prototype:learned": fit_prototypes(x, hot, "learned", MATRIX),
        "ridge": fit_ridge(x, hot, 0.7),
        "lda": fit_lda(x, hot, MATRIX, 9.0),
        "gradient": fit_gradient(x, hot, 5.0, (0.5, 0.25)),
    }
    assert set(fitted) == set(HEADS) - {"auto"}
    for name, head in fitted.items():
        adapted = adapt(name, x, hot, START, metric=MATRIX, covariance=MATRIX)
        np.testing.assert_array_equal(
            adapted.score(given.queries), head.score(given.queries), err_msg=name
        )
