"""`headstart doctor`: what people and machines get. What it looks at: tests/runtime/test_doctor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_this_machine_is_ready(run: Run, gallery: Path) -> None:
    outcome = run("doctor", "--gallery", gallery)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0].split() == ["what", "state", "found"]
    assert outcome.out.splitlines()[-1] == "ready"
    assert not gallery.exists()


def test_json_has_every_finding(run: Run, gallery: Path) -> None:
    told = run("doctor", "--json", "--gallery", gallery).json()

    assert told["ready"] is True
    assert {"python", "inference", "bundle", "gallery", "cameras", "microphones", "extra web"} <= {
        finding["name"] for finding in told["findings"]
    }


def test_something_broken_ends_with_1(run: Run, gallery: Path, tmp_path: Path) -> None:
    outcome = run("doctor", "--bundle", tmp_path / "nowhere", "--gallery", gallery)

    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == "not ready"
    assert outcome.err.startswith("headstart: broken: bundle; ")
