"""The layers of the house hold, and the contract in pyproject.toml would notice if they did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import headstart

pytest.importorskip("importlinter", reason="the layers are checked with the extra `dev`: make test")

_ROOT = Path(__file__).parents[1]
_PACKAGE = Path(headstart.__file__).parent
_ignore_caches = shutil.ignore_patterns("__pycache__", "starter", "*.mp4")


def _lint(project: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter with our contracts on the package under `project`/src."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--config", str(_ROOT / "pyproject.toml"), "--no-cache"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def copied_house(tmp_path: Path) -> Path:
    shutil.copytree(_PACKAGE, tmp_path / "src" / "headstart", ignore=_ignore_caches)
    return tmp_path


def test_the_layers_hold(copied_house: Path) -> None:
    result = _lint(copied_house)

    assert result.returncode == 0, result.stdout + result.stderr


def test_an_import_upwards_is_noticed_and_named(copied_house: Path) -> None:
    lower = copied_house / "src" / "headstart" / "runtime" / "leaking.py"
    lower.write_text("def build() -> None:\n    import headstart.export\n")

    result = _lint(copied_house)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "headstart.runtime.leaking -> headstart.export (l.2)" in result.stdout


def test_a_folder_without_a_place_in_the_layers_is_noticed(copied_house: Path) -> None:
    (copied_house / "src" / "headstart" / "shed").mkdir()
    (copied_house / "src" / "headstart" / "shed" / "__init__.py").write_text("")

    result = _lint(copied_house)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "shed" in result.stdout
