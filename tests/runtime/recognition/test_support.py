"""What a support refuses, and how distinct things are counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.runtime.errors import ShapeError
from headstart.runtime.recognition.support import Support, number_things


def test_samples_without_a_group_are_things_of_their_own() -> None:
    assert number_things(["", "burst", "", "burst", "other"]).tolist() == [0, 1, 2, 1, 3]
    assert number_things([]).tolist() == []


def test_a_label_for_each_sample(placed: Any) -> None:
    with pytest.raises(ShapeError, match=r"1 samples came with labels \(2,\)"):
        Support(names=("a", "b"), samples=(placed(0),), labels=np.arange(2))


def test_a_thing_for_each_background_sample(placed: Any) -> None:
    with pytest.raises(ShapeError, match=r"1 background samples with things \(0,\)"):
        Support(
            names=("a",),
            samples=(placed(0),),
            labels=np.zeros(1, np.int64),
            background=(placed(1),),
        )


@pytest.mark.parametrize("labels", [[0, 0], [1, 2], [0, 2]], ids=["missing", "no zero", "beyond"])
def test_every_class_has_a_sample_and_no_other_label(placed: Any, labels: list[int]) -> None:
    with pytest.raises(ShapeError, match="expected every class from 0 to 1 at least once"):
        Support(names=("a", "b"), samples=(placed(0), placed(1)), labels=np.array(labels))
