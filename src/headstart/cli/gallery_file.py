"""The gallery that a command works on, where it needs no encoders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.runtime.gallery.gallery import Gallery


def open_gallery(path: Path | None, *, read_only: bool = False) -> Gallery:
    """Open a gallery that is there; None is the user's own.

    Raises:
        ArtifactError: there is none, or it cannot be used.
    """
    from headstart.runtime.gallery.gallery import Gallery
    from headstart.runtime.gallery.location import default_gallery_path

    where = default_gallery_path() if path is None else path
    # Opening for writing would make the file, and a typing mistake a new gallery.
    return Gallery.open(where, read_only=read_only or not where.exists())


def complete_class_names(incomplete: str) -> list[str]:
    """Names of the user's own gallery that begin so, for the shell."""
    from headstart.runtime.errors import HeadstartError

    try:
        with open_gallery(None, read_only=True) as gallery:
            names = [record.name for record in gallery.classes()]
    except HeadstartError:
        return []  # a shell has no place for an error while it completes a word
    return [name for name in names if name.startswith(incomplete)]
