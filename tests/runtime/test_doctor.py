"""What the doctor finds, and that it never falls ill itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headstart.runtime import doctor
from headstart.runtime.doctor import Finding, examine, is_ready
from headstart.runtime.gallery.gallery import Gallery


def _found(gallery: Path, bundle: Path | None = None) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(bundle, gallery)}


def test_a_gallery_that_can_be_made_is_fine_and_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gallery.sqlite"

    assert _found(path)["gallery"].detail == f"none yet; the first enrolment makes {path}"
    assert not path.parent.exists()


def test_a_gallery_that_is_there_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "gallery.sqlite"
    Gallery.open(path).close()

    found = _found(path)["gallery"]

    assert (found.state, found.detail) == ("ok", f"0 classes, version 0, at {path}")


@pytest.mark.parametrize("place", ["file/gallery.sqlite", "file"], ids=["below a file", "a file"])
def test_a_gallery_that_cannot_be_used_is_broken(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a gallery, and not a folder")

    found = examine(None, tmp_path / place)

    assert [f.name for f in found if f.state == "broken"] == ["gallery"]
    assert not is_ready(found)


def test_a_bundle_that_is_not_there_is_broken(tmp_path: Path) -> None:
    found = _found(tmp_path / "gallery.sqlite", tmp_path / "nowhere")["bundle"]

    assert found.state == "broken"
    assert "does not exist; expected a bundle folder or .zip" in found.detail


def test_a_package_that_cannot_be_imported_is_broken_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)

    found = _found(tmp_path / "gallery.sqlite")["package safetensors"]

    assert found.state == "broken"
    assert found.todo == "pip install --force-reinstall safetensors"


def test_an_extra_that_is_absent_is_no_failure_and_comes_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_EXTRAS", {"web": ("no_such_module_here",)})

    found = examine(None, tmp_path / "gallery.sqlite")

    (web,) = (finding for finding in found if finding.name == "extra web")
    assert web.state == "absent"
    assert web.todo == 'pip install "headstart[web]"'
    assert is_ready(found)


def test_devices_are_never_required(tmp_path: Path) -> None:
    found = _found(tmp_path / "gallery.sqlite")

    assert found["cameras"].state in ("ok", "absent")
    assert found["microphones"].state in ("ok", "absent")
