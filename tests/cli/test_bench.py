"""`headstart bench`: the agreed fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run


@pytest.mark.slow
def test_the_agreed_fields_are_there_and_possible(run: Run) -> None:
    told = run("bench", "--rounds", 3, "--runs", 1, "--json").json()

    assert set(told["encode_ms"]) == {"image", "sound", "speech"}
    assert told["recognize_over_encoders"] == told["recognize_ms"] / told["encoders_ms"]
    assert told["refit_ms"] > 0 and told["adapt_ms"] > 0
    assert told["open_s"] > 0
    assert 30 < told["peak_memory_mb"] < 3000
    assert (told["adapt_torch_ms"] is None) == (told["adapt_ratio"] is None)


def test_no_rounds_are_refused(run: Run) -> None:
    outcome = run("bench", "--rounds", 0)

    assert outcome.code == 1
    assert outcome.failure() == "0 rounds and 5 runs were asked for; expected at least 1"
