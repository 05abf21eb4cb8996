"""The head file: there and back, and what it may not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.errors import ArtifactError
from headstart.runtime.heads.initialization import LearnedInitialization

FULL = LearnedInitialization(
    ridge_penalty=0.25,
    gradient_scale=4.0,
    gradient_steps=(1.5, 0.5),
    lda_prior_rows=20.0,
    temperatures={"ridge": (6.0, 7.0, 8.0), "prototype": (1.0, 2.0, 3.0)},
    distances={"image": 0.5, "sound": 0.75},
    unknown_prior=np.arange(20.0).reshape(2, 10),
    streams={
        "image": {"mean": np.ones(3, np.float32), "metric": np.eye(3, dtype=np.float32)},
        "sound": {
            "mean": np.zeros(2, np.float32),
            "whitening": np.eye(2, dtype=np.float32),
            "covariance": 2 * np.eye(2, dtype=np.float32),
        },
    },
)


def test_tensors_hold_everything() -> None:
    back = LearnedInitialization.from_tensors(FULL.to_tensors())
    assert (back.ridge_penalty, back.gradient_scale, back.lda_prior_rows) == (0.25, 4.0, 20.0)
    assert back.gradient_steps == (1.5, 0.5)
    assert back.temperatures == FULL.temperatures
    assert back.distances == FULL.distances
    np.testing.assert_array_equal(back.unknown_prior, FULL.unknown_prior)
    assert {s: set(a) for s, a in back.streams.items()} == {
        s: set(a) for s, a in FULL.streams.items()
    }
    np.testing.assert_array_equal(back.streams["sound"]["covariance"], 2 * np.eye(2))


def test_what_a_head_file_does_not_hold_keeps_its_untrained_value() -> None:
    start = LearnedInitialization.from_tensors({"image.mean": np.zeros(4, np.float32)})
    assert (start.ridge_penalty, start.gradient_steps) == (0.3, (1.0, 1.0, 1.0))
    assert (dict(start.temperatures), start.unknown_prior.shape) == ({}, (0, 10))


def test_no_steps_at_all_are_kept() -> None:
    tensors = LearnedInitialization(gradient_steps=()).to_tensors()
    assert LearnedInitialization.from_tensors(tensors).gradient_steps == ()


@pytest.mark.parametrize(
    ("key", "tensor"),
    [
        ("ridge.lambda", np.ones(1)),
        ("ridge.penalty", np.ones(2)),
        ("gradient.steps", np.ones(6)),
        ("unknown.prior", np.ones((2, 9))),
        ("temperature.ridge", np.ones(2)),
        ("image.mean", np.ones((2, 2))),
        ("image.whitening", np.ones(2)),
        ("image.offset", np.ones(2)),
        ("mean", np.ones(2)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_tensor_that_nothing_reads_is_refused(key: str, tensor: NDArray[Any]) -> None:
    with pytest.raises(ArtifactError, match=f"'{key}' .*not one that this version reads"):
        LearnedInitialization.from_tensors({key: tensor})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ArtifactError, match=r"'image\.mean' of the head file holds NaN or inf"):
        LearnedInitialization.from_tensors({"image.mean": np.array([0.0, value], np.float32)})
