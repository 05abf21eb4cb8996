"""Is this device ready? What is there, what is missing, and what would add it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata, util
from pathlib import Path
from typing import Literal

from headstart.runtime.errors import HeadstartError, first_line

State = Literal["ok", "absent", "broken"]
"""``absent``: optional, and not there. ``broken``: required, and not usable."""

OLDEST_PYTHON = (3, 10)

_REQUIRED = {
    "array_api_compat": "array-api-compat",
    "av": "av",
    "cryptography": "cryptography",
    "cv2": "opencv-python-headless",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "platformdirs": "platformdirs",
    "pydantic": "pydantic",
    "rich": "rich",
    "safetensors": "safetensors",
    "typer": "typer",
}
"""Module → the package to install. `sounddevice` stands with the microphones: files need no sound
card."""

_EXTRAS = {
    "web": ("fastapi", "uvicorn", "prometheus_client"),
    "mqtt": ("paho",),
    "tensorrt": ("cuda", "tensorrt"),
    "train": ("torch", "tensorboard"),
    "export": ("torch", "onnx", "onnxscript"),
}
"""Extra → modules that it brings; TensorRT itself comes with JetPack or from NVIDIA."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: what.
        state: how it is.
        detail: a version, a place, or what is wrong.
        todo: what would change it; empty where nothing needs to.
    """

    name: str
    state: State
    detail: str
    todo: str = ""


def examine(bundle: Path | None, gallery: Path) -> tuple[Finding, ...]:
    """Look at everything that headstart needs or could use; changes nothing, never raises.

    Args:
        bundle: see `headstart.runtime.bundle.load.load_bundle`.
        gallery: the gallery file; it need not be there yet.
    """
    return (
        _python(),
        _platform(),
        *(_package(module, name) for module, name in _REQUIRED.items()),
        _inference(),
        _bundle(bundle),
        _gallery(gallery),
        _cameras(),
        _microphones(),
        *(_extra(name, modules) for name, modules in _EXTRAS.items()),
    )


def is_ready(findings: tuple[Finding, ...]) -> bool:
    """Whether nothing that is required is broken."""
    return all(finding.state != "broken" for finding in findings)


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding(
            name="python", state="broken", detail=found, todo="install Python 3.10 or newer"
        )
    return Finding(name="python", state="ok", detail=found)


def _platform() -> Finding:
    return Finding(
        name="platform",
        state="ok",
        detail=f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} cores",
    )


def _package(module: str, package: str) -> Finding:
    name = f"package {package}"
    try:
        version = getattr(import_module(module), "__version__", None) or metadata.version(package)
    except Exception as error:  # a broken wheel raises whatever it likes when it is imported
        return Finding(
            name=name,
            state="broken",
            detail=f"cannot be imported ({first_line(error)})",
            todo=f"pip install --force-reinstall {package}",
        )
    return Finding(name=name, state="ok", detail=str(version))


def _inference() -> Finding:
    try:
        import onnxruntime

        from headstart.runtime.encoders.onnxruntime import default_threads

        providers = ", ".join(onnxruntime.get_available_providers())
        threads = default_threads()
    except Exception as error:  # as above
        return Finding(
            name="inference",
            state="broken",
            detail=f"ONNX Runtime does not start ({first_line(error)})",
            todo="pip install --force-reinstall onnxruntime",
        )
    return Finding(name="inference", state="ok", detail=f"{providers}; {threads} threads")


def _bundle(path: Path | None) -> Finding:
    try:
        from headstart.runtime.bundle.load import load_bundle
        from headstart.runtime.encoders.onnxruntime import open_encoders

        opened = load_bundle(path)
        for encoder in open_encoders(opened).values():
            encoder.close()
    except (HeadstartError, ImportError) as error:
        return Finding(name="bundle", state="broken", detail=first_line(error))
    manifest = opened.manifest
    streams = ", ".join(manifest.streams)
    detail = f"{manifest.name} {manifest.version} verified ({streams}) at {opened.path}"
    return Finding(name="bundle", state="ok", detail=detail)


def _gallery(path: Path) -> Finding:
    if path.exists():
        return _existing_gallery(path)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        detail = f"none yet; the first enrolment makes {path}"
        return Finding(name="gallery", state="ok", detail=detail)
    return Finding(
        name="gallery",
        state="broken",
        detail=f"{path} cannot be made: {folder} is not a folder that this user may write",
        todo="check its rights, or choose another place with --gallery",
    )


def _existing_gallery(path: Path) -> Finding:
    from headstart.runtime.gallery.gallery import Gallery

    try:
        with Gallery.open(path, read_only=True) as gallery:
            classes, version = len(gallery.classes()), gallery.version
    except HeadstartError as error:
        return Finding(name="gallery", state="broken", detail=first_line(error))
    detail = f"{classes} classes, version {version}, at {path}"
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return Finding(name="gallery", state="ok", detail=detail)
    return Finding(
        name="gallery",
        state="broken",
        detail=f"{detail}, read-only: nothing can be enrolled",
        todo="check the rights of the file and its folder",
    )


def _cameras() -> Finding:
    from headstart.runtime.sources.camera import list_cameras

    try:
        found = list_cameras()
    except OSError as error:
        return _no_device("cameras", f"cannot be listed ({first_line(error)})", "")
    if not found:
        return _no_device("cameras", "none found", "plug one in, or run on files")
    listed = ", ".join(f"{camera.index} ({camera.name})" for camera in found)
    closed = [c.index for c in found if not os.access(f"/dev/video{c.index}", os.R_OK | os.W_OK)]
    if closed:
        return _no_device(
            "cameras", f"{listed}; no right to use {closed}", 'sudo usermod -aG video "$USER"'
        )
    return Finding(name="cameras", state="ok", detail=listed)


def _microphones() -> Finding:
    from headstart.runtime.sources.microphone import list_microphones

    try:
        found = list_microphones()
    except HeadstartError as error:
        return _no_device("microphones", first_line(error), "")
    except Exception as error:  # PortAudio's own error class is only there where PortAudio is
        return _no_device("microphones", f"cannot be listed ({first_line(error)})", "")
    if not found:
        return _no_device("microphones", "none found", "plug one in, or run on files")
    listed = ", ".join(f"{mic.index} ({mic.name}, {mic.rate_hz:.0f} Hz)" for mic in found)
    return Finding(name="microphones", state="ok", detail=listed)


def _no_device(name: str, detail: str, todo: str) -> Finding:
    return Finding(name=name, state="absent", detail=detail, todo=todo)


def _extra(name: str, modules: tuple[str, ...]) -> Finding:
    missing = list(_missing(modules))
    if not missing:
        return Finding(name=f"extra {name}", state="ok", detail=", ".join(modules))
    todo = f'pip install "headstart[{name}]"'
    if "tensorrt" in missing:
        todo += "; TensorRT itself: sudo apt-get install python3-libnvinfer (JetPack)"
    detail = f"not installed: {', '.join(missing)}"
    return Finding(name=f"extra {name}", state="absent", detail=detail, todo=todo)


def _missing(modules: tuple[str, ...]) -> Iterator[str]:
    # Looked for and not imported: torch takes seconds.
    yield from (module for module in modules if util.find_spec(module) is None)
