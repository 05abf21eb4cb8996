"""Where a user's own gallery lies when no path is given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from headstart.runtime.errors import ConfigError


def default_gallery_path() -> Path:
    """Return ``<user data>/headstart/gallery.sqlite``; nothing is created.

    User data is ``$XDG_DATA_HOME`` or ``~/.local/share`` on Linux (XDG Base Directory
    Specification 0.8: a relative value is ignored), ``~/Library/Application Support`` on macOS,
    ``%LOCALAPPDATA%`` on Windows.

    Raises:
        ConfigError: the user has no home folder.
    """
    return _user_data() / "headstart" / "gallery.sqlite"


def _user_data() -> Path:
    asked = Path(os.environ.get("XDG_DATA_HOME", ""))
    if asked.is_absolute():
        return asked
    try:
        home = Path.home()
    except RuntimeError as error:
        raise ConfigError(
            "this user has no home folder to keep a gallery in; give a path with --gallery or set"
            " XDG_DATA_HOME"
        ) from error
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    return home / ".local" / "share"
