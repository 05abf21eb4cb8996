"""`headstart calibrate`: what else is to be seen and heard here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headstart.runtime.gallery.gallery import Gallery

if TYPE_CHECKING:
    from tests.cli.conftest import MakePicture, Run


def test_background_is_added_and_no_class_made(
    run: Run, picture: MakePicture, enrolled: Path, tmp_path: Path
) -> None:
    for thing in (7, 8):
        picture(tmp_path / "site" / f"{thing}.png", thing)

    outcome = run("calibrate", tmp_path / "site", "--gallery", enrolled)

    assert outcome.out == "added 2 background samples; 2 things known here\n"
    with Gallery.open(enrolled, read_only=True) as gallery:
        assert len(gallery.samples(role="background")) == 2
        assert [record.name for record in gallery.classes()] == ["mug", "bell"]


def test_what_fails_is_named_and_the_rest_is_used(
    run: Run, picture: MakePicture, gallery: Path, tmp_path: Path
) -> None:
    good = picture(tmp_path / "good.png", 7)
    (tmp_path / "bad.png").write_text("no picture")

    outcome = run("calibrate", good, tmp_path / "bad.png", "--json", "--gallery", gallery)

    told = outcome.json()
    assert (outcome.code, told["added"], told["things"]) == (0, 1, 1)
    (failure,) = told["failures"]
    assert outcome.err == f"headstart: left out: {failure['reason']}\n"


def test_nothing_usable_is_a_failure(run: Run, gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no picture")

    outcome = run("calibrate", tmp_path / "bad.png", "--gallery", gallery)

    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("headstart: none of 1 file can be used")
    assert not gallery.exists()
