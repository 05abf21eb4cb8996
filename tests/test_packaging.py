"""What a stranger installs is all of Headstart: the wheel from a clean copy and from the sdist."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_LINKED = tuple(
    sorted(link.name for link in (_ROOT / "src" / "headstart").iterdir() if link.is_symlink())
)


def _run(*command: str, cwd: Path, **environment: str) -> str:
    result = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def _tracked_files() -> list[str]:
    if not (_ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("which files belong to Headstart is asked of git; run this in a git clone")
    listed = _run("git", "ls-files", "-z", cwd=_ROOT).split("\0")
    return sorted(name for name in listed if name and os.path.lexists(_ROOT / name))


def _package_files(tracked: list[str]) -> set[str]:
    """The files that must be installed, as they are called in a wheel: headstart/…"""
    direct = {name.removeprefix("src/") for name in tracked if name.startswith("src/headstart/")}
    links = {f"headstart/{folder}" for folder in _LINKED}
    linked = {f"headstart/{name}" for name in tracked if name.split("/")[0] in _LINKED}
    return (direct - links) | linked


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    return _tracked_files()


@pytest.fixture(scope="module")
def clean_copy(tmp_path_factory: pytest.TempPathFactory, tracked: list[str]) -> Path:
    """Only the files that git knows, links as links: nothing that lies about in a work tree."""
    copy = tmp_path_factory.mktemp("clean-copy") / "headstart"
    for name in tracked:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(_ROOT / name, copy / name, follow_symlinks=False)
    return copy


def _build(kind: str, source: Path, target: Path) -> Path:
    _run(
        *(sys.executable, "-m", "build", f"--{kind}", "--no-isolation"),
        *("--outdir", str(target), str(source)),
        cwd=target,
    )
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory, clean_copy: Path) -> Path:
    return _build("sdist", clean_copy, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, clean_copy: Path) -> Path:
    return _build("wheel", clean_copy, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel_from_sdist(tmp_path_factory: pytest.TempPathFactory, sdist: Path) -> Path:
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return _build("wheel", source, tmp_path_factory.mktemp("wheel-from-sdist"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    target = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--no-deps", "--no-index", "--target", str(target), str(wheel), cwd=target)
    return target


def _contents(wheel: Path) -> dict[str, int]:
    """Name → CRC-32 of each file that is not the wheel's own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            entry.filename: entry.CRC
            for entry in archive.infolist()
            if ".dist-info/" not in entry.filename
        }


def test_every_linked_folder_is_a_relative_link_to_a_package_at_the_top() -> None:
    for name in _LINKED:
        assert (_ROOT / "src" / "headstart" / name).readlink() == Path("../..") / name
        assert (_ROOT / name / "__init__.py").is_file()


def test_a_wheel_holds_every_file_of_the_package_and_no_other(
    wheel: Path, tracked: list[str]
) -> None:
    assert set(_contents(wheel)) == _package_files(tracked)


def test_a_wheel_holds_what_the_files_at_run_time_need(wheel: Path) -> None:
    names = set(_contents(wheel))

    assert {"headstart/py.typed", "headstart/bundles/starter/manifest.json"} <= names
    assert any(
        name.startswith("headstart/bundles/starter/") for name in names if name.endswith(".onnx")
    )


def test_a_wheel_built_through_the_sdist_is_the_same(wheel: Path, wheel_from_sdist: Path) -> None:
    assert _contents(wheel_from_sdist) == _contents(wheel)


def test_a_wheel_carries_the_licence_and_the_notice(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        licences = {
            name.split("/licenses/")[1] for name in archive.namelist() if "/licenses/" in name
        }

    assert licences == {"LICENSE", "NOTICE"}


def test_the_installed_package_imports_from_where_it_was_installed(installed: Path) -> None:
    program = (
        "import headstart, headstart.runtime.errors as e; print(headstart.__file__, e.__file__)"
    )

    printed = _run(sys.executable, "-c", program, cwd=installed, PYTHONPATH=str(installed))

    assert printed.split() == [
        str(installed / "headstart" / "__init__.py"),
        str(installed / "headstart" / "runtime" / "errors.py"),
    ]


def test_the_installed_command_answers(installed: Path) -> None:
    command = str(installed / "bin" / "headstart")

    assert "enroll" in _run(command, "--help", cwd=installed, PYTHONPATH=str(installed))


def test_nothing_but_the_package_lands_in_site_packages(installed: Path) -> None:
    entries = {entry.name for entry in installed.iterdir()}

    assert {name for name in entries if not name.endswith(".dist-info")} == {"headstart", "bin"}
