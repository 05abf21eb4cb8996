"""Teach a robot or a kiosk a new thing in seconds, on the spot.

>>> import headstart
>>> "Recognizer" in headstart.__all__
True
"""

from __future__ import annotations

import typing as _typing

if _typing.TYPE_CHECKING:
    from headstart.runtime.errors import (
        ArtifactError,
        BackendError,
        CaptureError,
        ConfigError,
        EnrolmentError,
        HeadstartError,
        MissingDependency,
        ShapeError,
    )
    from headstart.runtime.recognition.answer import Answer
    from headstart.runtime.recognizer import Enrolment, Recognizer
    from headstart.runtime.sample import AudioClip, Frame, Sample
    from headstart.runtime.sources.folder import read_samples
    from headstart.runtime.sources.stream import open_source

__version__ = "0.1.0"

_HOMES = {
    "Answer": "recognition.answer",
    "ArtifactError": "errors",
    "AudioClip": "sample",
    "BackendError": "errors",
    "CaptureError": "errors",
    "ConfigError": "errors",
    "Enrolment": "recognizer",
    "EnrolmentError": "errors",
    "Frame": "sample",
    "HeadstartError": "errors",
    "MissingDependency": "errors",
    "Recognizer": "recognizer",
    "Sample": "sample",
    "ShapeError": "errors",
    "open_source": "sources.stream",
    "read_samples": "sources.folder",
}
"""Public name → its module below ``headstart.runtime``."""

__all__ = [
    "Answer",
    "ArtifactError",
    "AudioClip",
    "BackendError",
    "CaptureError",
    "ConfigError",
    "Enrolment",
    "EnrolmentError",
    "Frame",
    "HeadstartError",
    "MissingDependency",
    "Recognizer",
    "Sample",
    "ShapeError",
    "__version__",
    "open_source",
    "read_samples",
]


def __getattr__(name: str) -> _typing.Any:
    """Import a public name when it is first asked for: ``import headstart`` alone stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'headstart' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"headstart.runtime.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
