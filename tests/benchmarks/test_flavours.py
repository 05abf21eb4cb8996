from __future__ import annotations

import pytest

from headstart.benchmarks.flavours import main, measure_flavours
from headstart.runtime.bundle.load import load_bundle


def test_every_file_is_weighed_and_fp32_is_its_own_measure() -> None:
    bundle = load_bundle()
    costs = measure_flavours(bundle, rounds=2)
    listed = [(s, p) for s, entry in bundle.manifest.streams.items() for p in entry.models]
    assert [(cost.stream, cost.precision) for cost in costs] == listed
    full = [cost for cost in costs if cost.precision == "fp32"]
    assert [(cost.share, cost.speed_up) for cost in full] == [(1.0, 1.0)] * 3
    assert all(cost.time is not None and cost.time.median > 0 for cost in full)


def test_the_table_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "1"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]} == {
        "image", "sound", "speech",
    }  # fmt: skip
