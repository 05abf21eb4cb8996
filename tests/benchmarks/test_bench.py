"""What is made of the measurements; the measurements themselves run in tests/cli/test_bench."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headstart.benchmarks.adaptation import AdaptationCost
from headstart.benchmarks.bench import BenchResult, demo_clip, measure
from headstart.benchmarks.recognition import RecognitionCost
from headstart.benchmarks.timing import Spread
from headstart.runtime.errors import ConfigError


def _spread(median: float) -> Spread:
    return Spread(median=median, p25=median - 1, p75=median + 1, count=9)


_RESULT = BenchResult(
    recognition=RecognitionCost(
        recognize=_spread(22.0),
        encoders=_spread(20.0),
        over_encoders=_spread(1.2),
        encode={"image": _spread(9.0), "speech": _spread(3.0)},
    ),
    adaptation=AdaptationCost(
        rows=175, head="ridge", adapt=_spread(2.0), refit=_spread(8.0), torch=_spread(12.0)
    ),
    open_s=_spread(0.9),
    peak_memory_mb=200.0,
    threads=2,
)


def test_ratios_are_of_medians() -> None:
    assert _RESULT.recognize_over_encoders == 1.1
    assert _RESULT.adapt_ratio == 6.0


def test_the_fields_for_machines() -> None:
    fields = _RESULT.to_dict()

    assert fields["encode_ms"] == {"image": 9.0, "speech": 3.0}
    assert fields["adapt_torch_ms"] == 12.0
    assert fields["open_s"] == 0.9
    assert fields["iqr"]["recognize_ms"] == [21.0, 23.0]
    assert fields["iqr"]["encode_ms.speech"] == [2.0, 4.0]


def test_without_torch_its_fields_are_null() -> None:
    bare = replace(_RESULT, adaptation=replace(_RESULT.adaptation, torch=None))

    assert bare.to_dict()["adapt_torch_ms"] is None
    assert bare.to_dict()["adapt_ratio"] is None
    assert "adapt_torch_ms" not in bare.to_dict()["iqr"]


@pytest.mark.parametrize(("rounds", "runs"), [(0, 5), (5, 0)])
def test_nothing_to_measure_is_refused(rounds: int, runs: int) -> None:
    with pytest.raises(ConfigError, match="expected at least 1"):
        measure(rounds=rounds, runs=runs)


def test_the_demo_s_clip_is_there() -> None:
    assert demo_clip().is_file()
