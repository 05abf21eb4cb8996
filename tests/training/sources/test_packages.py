from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from headstart.runtime.errors import ArtifactError, MissingDependency
from headstart.training.sources.cache import Cache
from headstart.training.sources.packages import Package, fetch, sha256_of

CONTENTS = b"an archive"
SHA256 = hashlib.sha256(CONTENTS).hexdigest()


def client(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry client of our own on the PATH: a shell script."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def package(registry: str, sha256: str | None = SHA256) -> Package:
    return Package(
        registry=registry,  # type: ignore[arg-type]
        name="@some/thing",
        version="1:2.0",
        sha256=sha256,
    )


def test_a_package_is_fetched_once_and_offline_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bin", "npm", "printf 'an archive' > thing.tgz", monkeypatch)
    cache = Cache(root=tmp_path / "cache")
    first = fetch(package("npm"), cache)
    monkeypatch.setenv("PATH", "/nowhere")
    assert fetch(package("npm"), cache) == first
    assert first.read_bytes() == CONTENTS
    assert first.parent.name == "npm-some-thing-1-2.0"


def test_the_client_is_asked_for_the_pinned_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bin", "npm", 'printf "%s" "$*" > thing.tgz', monkeypatch)
    archive = fetch(package("npm", None), Cache(root=tmp_path / "cache"))
    assert archive.read_text() == "pack --silent @some/thing@1:2.0"


def test_another_archive_than_the_pinned_one_is_refused_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bin", "npm", "printf 'swapped' > thing.tgz", monkeypatch)
    with pytest.raises(ArtifactError, match=r"expected .*the download was removed"):
        fetch(package("npm"), Cache(root=tmp_path / "cache"))
    assert list((tmp_path / "cache").rglob("*.tgz")) == []


def test_another_debian_release_is_used_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client(tmp_path / "bin", "apt-get", "printf 'newer' > thing.deb", monkeypatch)
    archive = fetch(package("debian"), Cache(root=tmp_path / "cache"))
    assert archive.read_bytes() == b"newer"
    assert "is not the 1:2.0 that was measured" in caplog.text


def test_apt_goes_on_with_a_partial_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more, first = "printf ' archive' >> thing.deb", "printf 'an' > thing.deb; exit 1"
    script = f"if [ -f thing.deb ]; then {more}; else {first}; fi"
    client(tmp_path / "bin", "apt-get", script, monkeypatch)
    cache = Cache(root=tmp_path / "cache")
    with pytest.raises(ArtifactError, match="could not fetch"):
        fetch(package("debian"), cache)
    assert fetch(package("debian"), cache).read_bytes() == CONTENTS


def test_a_failed_download_repeats_the_clients_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(tmp_path / "bin", "apt-get", "echo 'E: Unable to locate' >&2; exit 100", monkeypatch)
    with pytest.raises(ArtifactError, match=r"E: Unable to locate.*run `apt-get update` first"):
        fetch(package("debian"), Cache(root=tmp_path / "cache"))


def test_a_missing_client_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="npm is not installed"):
        fetch(package("npm"), Cache(root=tmp_path / "cache"))


def test_sha256_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENTS)
    assert sha256_of(tmp_path / "file") == SHA256
