"""`headstart forget`: classes, samples, moments, and asking first."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome, Run


def _samples(run: Run, gallery: Path) -> dict[str, list[int]]:
    listed = run("classes", "--samples", "--json", "--gallery", gallery).json()["classes"]
    return {c["name"]: [stored["id"] for stored in c["stored"]] for c in listed}


def test_a_class_goes_with_all_its_samples(run: Run, enrolled: Path) -> None:
    outcome = run("forget", "mug", "--yes", "--gallery", enrolled)

    assert outcome.out == "forgot 2 samples of 'mug' (version 3)\n"
    assert _samples(run, enrolled) == {"bell": [3]}


def test_json_is_the_receipt(run: Run, enrolled: Path) -> None:
    receipt = run("forget", "mug", "--yes", "--json", "--gallery", enrolled).json()

    assert (receipt["kind"], receipt["classes"], receipt["samples"]) == ("forget", 1, 2)
    assert len(receipt["sample_digests"]) == 2
    assert receipt["erased"] is True


def test_one_sample_goes_alone(run: Run, enrolled: Path) -> None:
    outcome = run("forget", "mug", "--sample", 2, "--yes", "--gallery", enrolled)

    assert outcome.code == 0
    assert _samples(run, enrolled) == {"mug": [1], "bell": [3]}


@pytest.mark.parametrize(
    ("name", "sample", "said"),
    [
        ("mug", 3, "'mug' has no sample with the id 3; expected one that"),
        ("mugg", 1, "no class is called 'mugg'; did you mean 'mug'?"),
    ],
    ids=["of another class", "unknown class"],
)
def test_a_sample_that_is_not_the_class_s_stays(
    run: Run, enrolled: Path, name: str, sample: int, said: str
) -> None:
    outcome = run("forget", name, "--sample", sample, "--yes", "--gallery", enrolled)

    assert outcome.code == 1
    assert outcome.failure().startswith(said)
    assert _samples(run, enrolled) == {"mug": [1, 2], "bell": [3]}


@pytest.mark.parametrize(
    ("since", "left"),
    [("2000-01-01", {"bell": [3]}), ("0s", {"mug": [1, 2], "bell": [3]})],
    ids=["long ago", "now"],
)
def test_what_was_added_since_then_goes(
    run: Run, enrolled: Path, since: str, left: dict[str, list[int]]
) -> None:
    assert run("forget", "mug", "--since", since, "--yes", "--gallery", enrolled).code == 0

    assert _samples(run, enrolled) == left


def test_an_unknown_class_is_answered_with_the_nearest(run: Run, enrolled: Path) -> None:
    outcome = run("forget", "bel", "--yes", "--gallery", enrolled)

    assert outcome.code == 1
    assert outcome.failure() == "no class is called 'bel'; did you mean 'bell'?"


class _Answering:
    """A terminal at which somebody types one line."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, *_: object) -> str:
        return self._answer

    def fileno(self) -> int:
        raise OSError("not a file")


def _ask(run: Run, gallery: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    monkeypatch.setattr("sys.stdin", _Answering(answer))
    return run("forget", "mug", "--gallery", gallery)


def test_yes_typed_at_the_terminal_forgets(
    run: Run, enrolled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _ask(run, enrolled, "y\n", monkeypatch).code == 0

    assert _samples(run, enrolled) == {"bell": [3]}


@pytest.mark.parametrize("answer", ["n\n", "\n", ""], ids=["no", "enter", "end of input"])
def test_anything_else_keeps_everything(
    run: Run, enrolled: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    outcome = _ask(run, enrolled, answer, monkeypatch)

    assert outcome.code == 1
    assert outcome.err.endswith("headstart: stopped; nothing was changed\n")
    assert _samples(run, enrolled) == {"mug": [1, 2], "bell": [3]}


def test_where_nobody_can_answer_yes_has_to_be_given(
    run: Run, enrolled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))

    outcome = run("forget", "mug", "--gallery", enrolled)

    assert outcome.code == 2
    assert outcome.failure().startswith("there is nobody to ask; give --yes")


def test_a_sample_and_a_moment_together_are_wrong_usage(run: Run, enrolled: Path) -> None:
    outcome = run("forget", "mug", "--sample", 1, "--since", "1h", "--yes", "--gallery", enrolled)

    assert outcome.code == 2
    assert outcome.failure().startswith("give --sample or --since, not both")
