from __future__ import annotations

import numpy as np
import pytest

from headstart.export.parity import measure_parity, require_parity
from headstart.runtime.errors import ArtifactError, ShapeError

REFERENCE = np.array([[3.0, 4.0], [1.0, 0.0]], np.float32)


def test_the_worst_item_and_the_worst_number_are_reported() -> None:
    candidate = np.array([[3.0, 4.0], [0.6, 0.8]], np.float32)
    parity = measure_parity(REFERENCE, candidate)
    assert parity.cosine == pytest.approx(0.6)
    assert parity.max_error == pytest.approx(0.8)
    assert (parity.scale, parity.items) == (4.0, 2)
    assert str(parity) == "cosine 0.6000000, max error 8.0e-01 of 4.0, 2 inputs"


def test_equal_outputs_have_cosine_one_and_no_error() -> None:
    parity = require_parity("the model", REFERENCE, REFERENCE.copy(), cosine=0.99999)
    assert parity.cosine == pytest.approx(1.0, abs=1e-12)
    assert parity.max_error == 0.0


def test_a_candidate_that_strays_is_refused_by_name() -> None:
    with pytest.raises(ArtifactError, match=r"^YAMNet does not follow .*cosine 0.0.* least 0.99"):
        require_parity("YAMNet", REFERENCE, REFERENCE[:, ::-1].copy() * [[1], [1]], cosine=0.99)


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (REFERENCE[:1], r"cannot compare \(1, 2\) with \(2, 2\)"),
        (REFERENCE * np.float32(np.nan), "NaN or infinity"),
        (REFERENCE * 0, "all zero"),
    ],
    ids=["shape", "NaN", "zero"],
)
def test_what_cannot_be_compared_is_refused(candidate: np.ndarray, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        measure_parity(REFERENCE, candidate)
