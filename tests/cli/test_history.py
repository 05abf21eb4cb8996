"""`headstart history` and `headstart rollback`: versions, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def _names(run: Run, gallery: Path) -> list[str]:
    return [c["name"] for c in run("classes", "--json", "--gallery", gallery).json()["classes"]]


def test_each_change_is_a_line(run: Run, enrolled: Path) -> None:
    title, *lines = run("history", "--gallery", enrolled).out.splitlines()

    assert title.split() == ["version", "made", "change", "class", "samples"]
    assert [(line.split()[0], line.split()[3:]) for line in lines] == [
        ("0", ["create", "+0", "-0"]),
        ("1", ["enroll", "mug", "+2", "-0"]),
        ("2", ["enroll", "bell", "+1", "-0"]),
    ]


def test_rollback_undoes_the_last_change_and_itself(run: Run, enrolled: Path) -> None:
    outcome = run("rollback", "--gallery", enrolled)
    assert outcome.out == "rolled back; 1 sample came or went (version 3)\n"
    assert _names(run, enrolled) == ["mug"]

    run("rollback", "--gallery", enrolled)

    assert _names(run, enrolled) == ["mug", "bell"]


def test_rollback_goes_to_the_version_asked_for(run: Run, enrolled: Path) -> None:
    receipt = run("rollback", 1, "--json", "--gallery", enrolled).json()

    assert (receipt["kind"], receipt["version"], receipt["samples"]) == ("rollback", 3, 1)
    assert _names(run, enrolled) == ["mug"]
    versions = run("history", "--json", "--gallery", enrolled).json()["versions"]
    assert (versions[-1]["kind"], versions[-1]["target"]) == ("rollback", 1)


def test_a_version_that_is_not_there_is_refused(run: Run, enrolled: Path) -> None:
    outcome = run("rollback", 17, "--gallery", enrolled)

    assert outcome.code == 1
    assert "17" in outcome.failure()
    assert _names(run, enrolled) == ["mug", "bell"]
