"""A bundle's files, whether it is a folder or a zip: listed and read, with nothing trusted yet."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from headstart.runtime.errors import ArtifactError

MAX_FILES = 256
MAX_FILE_BYTES = 2**30
"""Largest file that is read, 1 GiB: far above any encoder for a device of this class."""
MAX_TOTAL_BYTES = 2**31
_MAX_ZIP_RATIO = 200
"""Unpacked over packed: weights hardly compress, so more than this is a bomb."""
_ENCRYPTED = 1


class Container(Protocol):
    """Flat, read-only access to a bundle's files."""

    def sizes(self) -> dict[str, int]:
        """Every file's name and size in bytes.

        Raises:
            ArtifactError: a name leads out of the bundle, or something is no ordinary file.
        """
        ...

    def read(self, name: str, limit: int) -> bytes:
        """One file, which must not hold more than ``limit`` bytes.

        Raises:
            ArtifactError: it is missing, too large or cannot be read.
        """
        ...


class FolderContainer:
    """A bundle in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sizes(self) -> dict[str, int]:
        """See ``Container``."""
        found = {}
        with _reading(self._path):
            for entry in self._path.iterdir():
                kind = entry.lstat()
                if not stat.S_ISREG(kind.st_mode):
                    what = "a symbolic link" if stat.S_ISLNK(kind.st_mode) else "not a plain file"
                    raise ArtifactError(
                        f"bundle {self._path} holds {entry.name!r}, which is {what}; expected plain"
                        " files only: remove it or get the bundle again"
                    )
                found[entry.name] = kind.st_size
        _check_limits(self._path, found)
        return found

    def read(self, name: str, limit: int) -> bytes:
        """See ``Container``."""
        with _reading(self._path, name), (self._path / name).open("rb") as opened:
            return _within(opened.read(limit + 1), limit, self._path, name)


class ZipContainer:
    """A bundle in one .zip; members are read into memory and never unpacked to disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sizes(self) -> dict[str, int]:
        """See ``Container``."""
        found: dict[str, int] = {}
        with _reading(self._path), zipfile.ZipFile(self._path) as opened:
            members = opened.infolist()
        for member in members:
            name = member.filename
            unsafe = "/" in name or "\\" in name or name in ("", ".", "..")
            mode = member.external_attr >> 16
            if unsafe or stat.S_ISLNK(mode) or name in found:
                raise ArtifactError(
                    f"bundle {self._path} holds the entry {name!r}; expected plain files directly"
                    " in the zip, each name once: pack it again with `headstart bundle pack`"
                )
            bomb = member.file_size > _MAX_ZIP_RATIO * member.compress_size + 64
            if bomb or member.flag_bits & _ENCRYPTED:
                raise ArtifactError(
                    f"bundle {self._path} holds {name!r}, {member.compress_size} bytes that unpack"
                    f" to {member.file_size}, or are encrypted; expected an ordinary file: do not"
                    " use it"
                )
            found[name] = member.file_size
        _check_limits(self._path, found)
        return found

    def read(self, name: str, limit: int) -> bytes:
        """See ``Container``."""
        with (
            _reading(self._path, name),
            zipfile.ZipFile(self._path) as archive,
            archive.open(name) as opened,
        ):
            # One byte more than allowed is enough to know: a lying header cannot fill the memory.
            return _within(opened.read(limit + 1), limit, self._path, name)


def open_container(path: Path) -> Container:
    """The bundle's files at ``path``, a folder or a .zip.

    Raises:
        ArtifactError: there is neither.
    """
    if path.is_dir():
        return FolderContainer(path)
    with _reading(path):
        zipped = path.is_file() and zipfile.is_zipfile(path)
    if zipped:
        return ZipContainer(path)
    what = "is neither a folder nor a zip" if path.exists() else "does not exist"
    raise ArtifactError(f"bundle {path} {what}; expected a bundle folder or .zip: check the path")


@contextmanager
def _reading(path: Path, name: str = "") -> Iterator[None]:
    """Map what the file system and zipfile raise to one clear line."""
    label = f"{name!r} in bundle {path}" if name else f"bundle {path}"
    try:
        yield
    except (FileNotFoundError, KeyError) as error:
        raise ArtifactError(
            f"{label} is missing; expected it there: check the path or get the bundle again"
        ) from error
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ArtifactError(
            f"{label} cannot be read ({error}); expected a readable file: check its permissions or"
            " get the bundle again"
        ) from error


def _within(data: bytes, limit: int, path: Path, name: str) -> bytes:
    if len(data) > limit:
        raise ArtifactError(
            f"{name!r} in bundle {path} is larger than {limit} bytes, which its manifest or this"
            " version allows; expected less: get the bundle again"
        )
    return data


def _check_limits(path: Path, sizes: dict[str, int]) -> None:
    largest = max(sizes.values(), default=0)
    if len(sizes) > MAX_FILES or largest > MAX_FILE_BYTES or sum(sizes.values()) > MAX_TOTAL_BYTES:
        raise ArtifactError(
            f"bundle {path} holds {len(sizes)} files, {sum(sizes.values())} bytes, the largest"
            f" {largest}; expected at most {MAX_FILES}, {MAX_TOTAL_BYTES} and {MAX_FILE_BYTES}:"
            " this does not look like a bundle"
        )
