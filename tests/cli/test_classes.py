"""`headstart classes`: what is enrolled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_each_class_is_a_line(run: Run, enrolled: Path) -> None:
    title, *lines = run("classes", "--gallery", enrolled).out.splitlines()

    assert title.split() == ["class", "samples", "streams", "since"]
    assert [line.split()[:4] for line in lines] == [
        ["mug", "2", "image", "2"],
        ["bell", "1", "sound", "1,"],
    ]


def test_samples_are_listed_with_the_ids_that_forget_takes(
    run: Run, enrolled: Path, mug: Path
) -> None:
    outcome = run("classes", "--samples", "--gallery", enrolled)

    first = outcome.out.splitlines()[5]
    assert first.split()[:2] == ["1", "mug"]
    assert first.endswith(str(mug))


def test_json_has_everything(run: Run, enrolled: Path, mug: Path) -> None:
    listed = run("classes", "--samples", "--json", "--gallery", enrolled).json()

    assert (listed["gallery"], listed["version"]) == (str(enrolled), 2)
    cup, bell = listed["classes"]
    assert (cup["id"], cup["name"], cup["samples"], cup["streams"]) == (1, "mug", 2, {"image": 2})
    assert bell["streams"] == {"sound": 1, "speech": 1}
    assert len(bell["uid"]) == 32
    assert [stored["id"] for stored in cup["stored"]] == [1, 2]
    assert cup["stored"][0]["source"] == str(mug)


def test_an_empty_gallery_says_so(run: Run, enrolled: Path) -> None:
    run("forget", "mug", "--yes", "--gallery", enrolled)
    run("forget", "bell", "--yes", "--gallery", enrolled)

    assert run("classes", "--gallery", enrolled).out == f"nothing is enrolled in {enrolled}\n"
