"""Files that are either there in full or not at all, whatever happens to the process or power."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from headstart.runtime.errors import ArtifactError

PART_SUFFIX = ".part"


def write_atomically(path: Path, data: bytes) -> None:
    """Write under another name, flush to the disk, rename, and flush the folder.

    Raises:
        ArtifactError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _flush_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ArtifactError(
            f"{path} cannot be written ({error.strerror}); expected room for"
            f" {len(data) / 1e6:.1f} MB: free some space, or choose another folder"
        ) from error


def remove_parts(folder: Path) -> None:
    """Remove what processes left that were killed while they wrote; only under the build lock."""
    for part in folder.glob(f"*{PART_SUFFIX}"):
        part.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Without it, a power cut may undo the rename."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
