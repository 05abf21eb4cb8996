"""The cache folder: every download and every rendering is a stage that is finished or not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from headstart.runtime.errors import ConfigError


def default_root() -> Path:
    """Where sources are kept unless a folder is given: ``headstart/sources`` in the XDG cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "headstart" / "sources"


@dataclass(frozen=True, kw_only=True)
class Cache:
    """A folder of finished stages.

    A stage is built in ``<name>.partial`` and renamed when it is whole, so an interrupted run
    leaves no half stage behind. What a build left in the partial folder is still there when it is
    called again: a build that skips what it finds goes on where it stopped. One process at a time.
    """

    root: Path

    def stage(self, name: str, build: Callable[[Path], None]) -> Path:
        """The folder of stage ``name``, built by ``build(folder)`` unless it is there already.

        Raises:
            ConfigError: the cache folder cannot be written, or the disk is full.
        """
        finished = self.root / name
        if finished.is_dir():
            return finished
        partial = finished.with_name(finished.name + ".partial")
        try:
            partial.mkdir(parents=True, exist_ok=True)
            build(partial)
            partial.rename(finished)
        except OSError as error:
            raise ConfigError(
                f"stage {name!r} cannot be written to {self.root} ({error}); expected a folder with"
                " room and write permission: free some space or name another cache folder"
            ) from error
        return finished

    def drop(self, name: str) -> None:
        """Forget a stage, finished or not; nothing happens if there is none."""
        for folder in (self.root / name, self.root / f"{name}.partial"):
            if folder.is_dir():
                shutil.rmtree(folder)
