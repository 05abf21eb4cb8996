"""Completion of class names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from headstart.cli.gallery_file import complete_class_names


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "headstart").mkdir()
    return tmp_path / "headstart"


def test_names_that_begin_so_are_offered(home: Path, enrolled: Path) -> None:
    shutil.copy(enrolled, home / "gallery.sqlite")

    assert complete_class_names("") == ["mug", "bell"]
    assert complete_class_names("b") == ["bell"]


def test_without_a_gallery_nothing_is_offered(home: Path) -> None:
    assert complete_class_names("") == []
