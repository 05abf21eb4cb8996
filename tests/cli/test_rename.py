"""`headstart rename`: another name for the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def _names(run: Run, gallery: Path) -> list[str]:
    return [c["name"] for c in run("classes", "--json", "--gallery", gallery).json()["classes"]]


def test_the_class_is_called_by_its_new_name(run: Run, enrolled: Path) -> None:
    outcome = run("rename", "mug", "cup", "--gallery", enrolled)

    assert outcome.out == "'mug' is called 'cup' now (version 3)\n"
    assert _names(run, enrolled) == ["cup", "bell"]


def test_json_tells_the_version(run: Run, enrolled: Path) -> None:
    told = run("rename", "mug", "cup", "--json", "--gallery", enrolled).json()

    assert (told["old"], told["new"], told["kind"], told["version"]) == ("mug", "cup", "rename", 3)


def test_a_taken_name_is_refused(run: Run, enrolled: Path) -> None:
    outcome = run("rename", "mug", "bell", "--gallery", enrolled)

    assert outcome.code == 1
    assert outcome.failure().startswith("a class is called 'bell' already; expected a name")
    assert _names(run, enrolled) == ["mug", "bell"]


def test_an_unknown_class_is_answered_with_the_nearest(run: Run, enrolled: Path) -> None:
    outcome = run("rename", "mugg", "cup", "--gallery", enrolled)

    assert outcome.code == 1
    assert outcome.failure() == "no class is called 'mugg'; did you mean 'mug'?"
