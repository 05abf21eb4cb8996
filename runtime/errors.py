"""Every error Headstart raises on purpose.

    HeadstartError
    ├── ConfigError         an option or configuration file is wrong
    ├── CaptureError        media or a device gave nothing usable; other media may still do
    ├── EnrolmentError      a class or sample cannot be enrolled, found or changed as asked
    ├── ShapeError          an array does not have the shape, dtype or range that was agreed
    ├── BackendError        an encoder backend cannot load or run a model
    ├── ArtifactError       a bundle or gallery on disk is missing, damaged, newer or not ours
    └── MissingDependency   an optional package is not installed

Each message is one line: what happened, what was expected, what to do.
"""

from __future__ import annotations


class HeadstartError(Exception):
    """Base of every error that a caller of Headstart may want to catch."""


class ConfigError(HeadstartError):
    """An option or configuration value is not usable."""


class CaptureError(HeadstartError):
    """A file, stream, camera or microphone gave nothing usable."""


class EnrolmentError(HeadstartError):
    """A class or sample cannot be enrolled, found or changed as asked."""


class ShapeError(HeadstartError):
    """An array differs from the agreed shape, dtype or value range."""


class BackendError(HeadstartError):
    """An encoder backend cannot load or run a model."""


class ArtifactError(HeadstartError):
    """A bundle or gallery on disk is missing, damaged, newer, or not ours."""


class MissingDependency(HeadstartError):
    """An optional package is not installed; the message names the exact command."""


def first_line(error: BaseException) -> str:
    """What a foreign error says, on one line; its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
