"""The device part runs without torch: importing all of it does not even try a training library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import headstart

_PACKAGE = Path(headstart.__file__).parent
_DEVICE_PARTS = ("runtime", "cli", "bundles", "device_configs")
_NEVER_ON_THE_DEVICE = ("torch", "onnx", "onnxscript", "tensorrt", "pycuda", "cuda", "tensorboard")
_NOT_WHEN_IMPORTED = (*_NEVER_ON_THE_DEVICE, "cv2", "onnxruntime", "av", "sounddevice")

# A finder at the front sees every attempt, those inside try/except ImportError included.
_IMPORT_AND_REPORT = """
import importlib, json, sys

watched, modules = json.loads(sys.argv[1])
seen = set()

class Watcher:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in watched:
            seen.add(name.partition(".")[0])
        return None

sys.meta_path.insert(0, Watcher())
for module in modules:
    importlib.import_module(module)
print(json.dumps(sorted(seen)))
"""


def _device_modules() -> list[str]:
    """Every module of the device part, as a dotted name."""
    files = [file for part in _DEVICE_PARTS for file in (_PACKAGE / part).rglob("*.py")]
    names = (".".join(file.relative_to(_PACKAGE.parent).with_suffix("").parts) for file in files)
    return sorted(name.removesuffix(".__init__") for name in names if not name.endswith("__main__"))


def _libraries_tried(
    watched: tuple[str, ...], modules: list[str], path: Path | None = None
) -> list[str]:
    """Imports `modules` in a fresh interpreter; returns the watched libraries it asked for."""
    places = [str(place) for place in (_PACKAGE.parent, path) if place is not None]
    result = subprocess.run(
        [sys.executable, "-c", _IMPORT_AND_REPORT, json.dumps([watched, modules])],
        env={"PYTHONPATH": ":".join(places), "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    tried: list[str] = json.loads(result.stdout)
    return tried


def test_the_device_modules_are_found() -> None:
    modules = _device_modules()

    assert {
        "headstart.runtime.errors",
        "headstart.runtime.bundle.manifest",
        "headstart.cli",
    } <= set(modules)


def test_importing_the_whole_device_part_asks_for_no_training_library() -> None:
    assert _libraries_tried(_NEVER_ON_THE_DEVICE, _device_modules()) == []


def test_importing_headstart_asks_for_no_heavy_library() -> None:
    assert _libraries_tried(_NOT_WHEN_IMPORTED, ["headstart"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "import torch",
        "from torch import nn",
        "try:\n    import torch\nexcept ImportError:\n    torch = None",
        "import importlib\nimportlib.import_module('torch.nn')",
    ],
    ids=["import", "from", "guarded", "by name"],
)
def test_the_guard_notices_a_module_that_imports_torch(tmp_path: Path, text: str) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("")
    (tmp_path / "torch" / "nn.py").write_text("")
    (tmp_path / "leaking.py").write_text(text)

    assert _libraries_tried(_NEVER_ON_THE_DEVICE, ["leaking"], tmp_path) == ["torch"]


def test_the_guard_notices_an_attempt_to_import_what_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "leaking.py").write_text("try:\n    import not_here\nexcept ImportError:\n    pass")

    assert _libraries_tried(("not_here",), ["leaking"], tmp_path) == ["not_here"]
