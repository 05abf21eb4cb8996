"""TensorRT, whichever is installed: the full one (8.6 to 11) or TensorRT for RTX, as one value.

Both have the same Python API; what differs by version is named here, once.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any

from headstart.runtime.errors import ConfigError, MissingDependency

FLAVOURS = ("tensorrt", "tensorrt_rtx")
"""Module names, the one to prefer first."""

_INSTALL = (
    "on a Jetson run `sudo apt-get install python3-libnvinfer` and make the environment with"
    " `python3 -m venv --system-site-packages`, on a PC install TensorRT from NVIDIA or run"
    " pip install tensorrt-rtx-cu13"
)
_KEPT_MESSAGES = 20

_log = logging.getLogger(__name__)


class MessageLog:
    """TensorRT's last errors: its calls return None and say why only here. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: deque[str] = deque(maxlen=_KEPT_MESSAGES)

    def add(self, message: str) -> None:
        """Keep one error."""
        with self._lock:
            self._errors.append(message)

    def take(self) -> tuple[str, ...]:
        """The errors since the last call, oldest first."""
        with self._lock:
            taken = tuple(self._errors)
            self._errors.clear()
        return taken


@dataclass(frozen=True, kw_only=True, eq=False)
class TensorRt:
    """An imported TensorRT.

    Args:
        module: ``tensorrt`` or ``tensorrt_rtx``.
        flavour: the module's name.
        version: such as ``10.3.0``.
        logger: to be given to every object of TensorRT.
        messages: where the errors of ``logger`` are kept.
    """

    module: Any
    flavour: str
    version: str
    logger: Any = field(repr=False)
    messages: MessageLog = field(repr=False)

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def is_rtx(self) -> bool:
        """Whether this is TensorRT for RTX: its engines finish their build when they are loaded."""
        return self.flavour == "tensorrt_rtx"

    def has(self, owner: str, member: str) -> bool:
        """Whether a class or enumeration of the module is there and has a member."""
        return hasattr(getattr(self.module, owner, None), member)

    def why(self) -> str:
        """TensorRT's own reason for the last failure, on one line."""
        taken = self.messages.take()
        return (taken[0] if taken else "it gave no reason").replace("\n", " ").strip()

    def __str__(self) -> str:
        return f"{self.flavour} {self.version}"


@lru_cache(maxsize=len(FLAVOURS) + 1)
def open_tensorrt(flavour: str = "auto") -> TensorRt:
    """Import TensorRT.

    Args:
        flavour: ``tensorrt``, ``tensorrt_rtx``, or ``auto``: the first of them that is installed.

    Raises:
        MissingDependency: not installed, or installed without its libraries.
        ConfigError: another flavour was asked for.
    """
    if flavour not in (*FLAVOURS, "auto"):
        raise ConfigError(
            f"there is no TensorRT called {flavour!r}; expected one of auto, {', '.join(FLAVOURS)}"
        )
    absent: list[str] = []
    for name in FLAVOURS if flavour == "auto" else (flavour,):
        try:
            module = import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise _without_libraries(name, error) from error
            absent.append(name)
        except (ImportError, OSError) as error:
            raise _without_libraries(name, error) from error
        else:
            return wrap_tensorrt(module, name)
    raise MissingDependency(f"{' and '.join(absent)} cannot be imported, none is there: {_INSTALL}")


def wrap_tensorrt(module: Any, flavour: str) -> TensorRt:
    """Give an imported module its logger; TensorRT wants one logger for the whole process."""
    messages = MessageLog()
    severe = module.ILogger.Severity

    class _Listener(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in (severe.INTERNAL_ERROR, severe.ERROR):
                messages.add(message)
                _log.debug("%s: %s", flavour, message)
            elif severity == severe.WARNING:
                _log.debug("%s warns: %s", flavour, message)

    return TensorRt(
        module=module,
        flavour=flavour,
        version=str(module.__version__),
        logger=_Listener(),
        messages=messages,
    )


def _without_libraries(name: str, error: Exception) -> MissingDependency:
    return MissingDependency(
        f"{name} is installed, but its libraries cannot be loaded ({error}); the Python package"
        f" alone is not enough: {_INSTALL}"
    )
