from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from headstart.runtime.errors import ArtifactError
from headstart.training.sources.cache import Cache
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import extract, unpacked

FILES = {"share/a.ogg": b"a", "share/deep/b.wav": b"b", "share/c.txt": b"c"}
PACKAGE = Package(registry="npm", name="thing", version="1.0")


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as pack:
        for name, data in files.items():
            pack.writestr(name, data)
    return path


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    files = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


@pytest.mark.parametrize(
    ("writer", "name"), [(write_zip, "x.whl"), (write_tar, "x.tgz")], ids=["zip", "tar"]
)
def test_only_matching_members_are_unpacked(tmp_path: Path, writer: object, name: str) -> None:
    archive = writer(tmp_path / name, FILES)  # type: ignore[operator]
    assert extract(archive, tmp_path / "out", ("*.ogg", "*/deep/*")) == 2
    assert contents(tmp_path / "out") == {"share/a.ogg": b"a", "share/deep/b.wav": b"b"}


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb: install dpkg")
def test_a_debian_package_is_unpacked(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: thing\nVersion: 1.0\nArchitecture: all\nMaintainer: n\nDescription: d\n"
    )
    (root / "usr").mkdir()
    (root / "usr" / "a.ogg").write_bytes(b"a")
    (root / "usr" / "link.ogg").symlink_to("a.ogg")
    command = ["dpkg-deb", "--build", str(root), str(tmp_path / "thing.deb")]
    subprocess.run(command, check=True, capture_output=True)
    assert extract(tmp_path / "thing.deb", tmp_path / "out", ("*.ogg",)) == 1
    assert contents(tmp_path / "out") == {"usr/a.ogg": b"a"}


@pytest.mark.parametrize("name", ["../outside.ogg", "/outside.ogg", "a/../../outside.ogg"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = write_tar(tmp_path / "x.tgz", {name: b"x"})
    with pytest.raises(ArtifactError, match="leaves its folder"):
        extract(archive, tmp_path / "out", ("*",))
    assert not (tmp_path / "outside.ogg").exists()


@pytest.mark.parametrize("name", ["x.whl", "x.tgz", "x.deb"])
def test_a_damaged_archive_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not an archive at all")
    with pytest.raises(ArtifactError, match="is damaged"):
        extract(tmp_path / name, tmp_path / "out", ("*",))


def cached_archive(cache: Cache, files: dict[str, bytes]) -> None:
    (cache.root / PACKAGE.stage).mkdir(parents=True)
    write_tar(cache.root / PACKAGE.stage / "thing.tgz", files)


def test_a_zip_inside_the_package_is_unpacked_instead(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    data = write_zip(tmp_path / "in.zip", FILES).read_bytes()
    cached_archive(cache, {"data/public.zip": data, "data/readme.ogg": b"r"})
    folder = unpacked(PACKAGE, cache, keep=("*.ogg",), inner="*/public.zip")
    assert contents(folder) == {"share/a.ogg": b"a"}


def test_a_package_without_what_is_wanted_says_so(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    cached_archive(cache, FILES)
    with pytest.raises(ArtifactError, match=r"holds nothing that matches \*\.png"):
        unpacked(PACKAGE, cache, keep=("*.png",))


def test_different_parts_of_a_package_do_not_meet(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    cached_archive(cache, FILES)
    sounds = unpacked(PACKAGE, cache, keep=("*.ogg",), part="sounds")
    texts = unpacked(PACKAGE, cache, keep=("*.txt",), part="texts")
    assert (list(contents(sounds)), list(contents(texts))) == (["share/a.ogg"], ["share/c.txt"])
