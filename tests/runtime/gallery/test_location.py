from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headstart.runtime.errors import ConfigError
from headstart.runtime.gallery.location import default_gallery_path


@pytest.mark.parametrize(
    ("platform", "below_home"),
    [
        ("linux", ".local/share/headstart/gallery.sqlite"),
        ("darwin", "Library/Application Support/headstart/gallery.sqlite"),
        ("win32", "AppData/Local/headstart/gallery.sqlite"),
    ],
)
def test_the_users_data_folder_of_each_platform(
    platform: str, below_home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    assert default_gallery_path() == tmp_path / below_home
    assert list(tmp_path.iterdir()) == []


def test_xdg_data_home_wins_when_it_is_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_gallery_path() == tmp_path / "headstart" / "gallery.sqlite"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert default_gallery_path().is_relative_to(tmp_path / "home")


def test_a_user_without_a_home_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    with pytest.raises(ConfigError, match="give a path with --gallery or set XDG_DATA_HOME"):
        default_gallery_path()
