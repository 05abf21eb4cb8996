from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from headstart.runtime.bundle import container
from headstart.runtime.bundle.container import open_container
from headstart.runtime.errors import ArtifactError


def make_zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/b", "..", "..\\evil", "folder/"])
def test_a_zip_entry_that_leaves_the_bundle_is_refused(name: str, tmp_path: Path) -> None:
    path = make_zip(tmp_path / "b.zip", **{name: b"x"})
    with pytest.raises(ArtifactError, match="expected plain files directly in the zip"):
        open_container(path).sizes()


def test_a_zip_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("twice", b"good")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("twice", b"evil")
    with pytest.raises(ArtifactError, match="'twice'; expected .* each name once"):
        open_container(path).sizes()


def test_a_link_inside_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ArtifactError, match="'link'; expected plain files"):
        open_container(path).sizes()


def test_a_zip_bomb_is_refused_unopened(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "b.zip", bomb=bytes(10_000_000))
    with pytest.raises(ArtifactError, match="'bomb', .* bytes that unpack to 10000000"):
        open_container(path).sizes()


def test_a_zip_whose_header_lies_about_a_size_is_not_read_beyond_the_limit(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "b.zip", file=bytes(range(256)) * 4)
    with pytest.raises(ArtifactError, match="'file' .* is larger than 100 bytes"):
        open_container(path).read("file", 100)


def test_a_zip_that_was_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("file", b"some plain text")
    path.write_bytes(path.read_bytes().replace(b"plain", b"other"))
    with pytest.raises(ArtifactError, match=r"'file' in bundle .* cannot be read \(Bad CRC"):
        open_container(path).read("file", 100)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MAX_FILES", 2)
    for name in "abc":
        (tmp_path / name).write_text(name)
    with pytest.raises(ArtifactError, match="holds 3 files, 3 bytes"):
        open_container(tmp_path).sizes()


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_missing_file_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path if kind == "folder" else make_zip(tmp_path / "b.zip", other=b"x")
    with pytest.raises(ArtifactError, match="'file' in bundle .* is missing; expected it there"):
        open_container(path).read("file", 1)


def test_sizes_and_contents_agree_between_a_folder_and_a_zip(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "file").write_bytes(b"hello")
    archive = make_zip(tmp_path / "b.zip", file=b"hello")
    for path in (folder, archive):
        assert open_container(path).sizes() == {"file": 5}
        assert open_container(path).read("file", 5) == b"hello"
