"""Which board is this? Read from the files that NVIDIA's Jetson Linux and Linux itself provide."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headstart.runtime.device_config import DeviceConfig
from headstart.runtime.errors import ConfigError

# Jetson Linux → JetPack: NVIDIA's Jetson Linux archive pages.
_JETPACK = {
    "35.3": "5.1.1",
    "35.4": "5.1.2",
    "36.3": "6.0",
    "36.4": "6.1 or 6.2",
    "38.2": "7.0",
    "38.4": "7.1",
    "39.2": "7.2",
}
_ASK_TIMEOUT_S = 5
_MODULE = re.compile(r"\bp\d{4}-\d{4}\b")


@dataclass(frozen=True, kw_only=True)
class Board:
    """What the machine says about itself; None where it says nothing.

    Args:
        architecture: ``aarch64`` or ``x86_64``.
        model: the device tree's model, such as ``NVIDIA Jetson Orin Nano Developer Kit``.
        modules: part numbers in the device tree, such as ``p3767-0005``.
        l4t: Jetson Linux, such as ``36.4.3``.
        memory_bytes: all memory that Linux sees.
        power_mode: the name of the mode in force, such as ``15W``.
        power_modes: names of all modes the board is configured for.
        nvidia_driver: whether an NVIDIA driver is loaded.
    """

    architecture: str
    model: str | None
    modules: tuple[str, ...]
    l4t: str | None
    memory_bytes: int | None
    power_mode: str | None
    power_modes: tuple[str, ...]
    nvidia_driver: bool

    @property
    def is_jetson(self) -> bool:
        """Whether this is a Jetson, known or not."""
        return self.l4t is not None or "jetson" in (self.model or "").lower()

    @property
    def jetpack(self) -> str | None:
        """The JetPack that brings this Jetson Linux, as far as it is known."""
        return None if self.l4t is None else _JETPACK.get(".".join(self.l4t.split(".")[:2]))


def detect_board(
    root: Path = Path("/"), ask: Callable[[Sequence[str]], str | None] | None = None
) -> Board:
    """Look at the machine; changes nothing, never raises for what is not there.

    Args:
        root: where the file system starts; another folder in tests.
        ask: runs a command and gives its output, or None where it cannot; by default a process.
    """
    ask = _run if ask is None else ask
    compatible = _text(root / "proc/device-tree/compatible") or ""
    return Board(
        architecture=platform.machine(),
        model=_text(root / "proc/device-tree/model"),
        modules=tuple(dict.fromkeys(_MODULE.findall(compatible))),
        l4t=_l4t(_text(root / "etc/nv_tegra_release")),
        memory_bytes=_memory(_text(root / "proc/meminfo")),
        power_mode=_power_mode(ask(["nvpmodel", "-q"])),
        power_modes=_power_modes(_text(root / "etc/nvpmodel.conf")),
        nvidia_driver=any(
            (root / place).exists()
            for place in ("proc/driver/nvidia/version", "dev/nvidiactl", "dev/nvhost-ctrl-gpu")
        ),
    )


def device_for(board: Board, devices: Iterable[DeviceConfig]) -> tuple[DeviceConfig, str]:
    """The configuration that fits the board, and why.

    Raises:
        ConfigError: a Jetson whose module no configuration names.
    """
    by_name = {device.name: device for device in devices}
    for device in by_name.values():
        found = set(device.board.modules) & set(board.modules)
        if found:
            return device, f"its module is {sorted(found)[0]}"
    if board.is_jetson:
        raise ConfigError(
            f"this Jetson is not known ({board.model or 'no model'}, modules"
            f" {', '.join(board.modules) or 'none'}); expected one of"
            f" {', '.join(sorted(by_name))}: choose one with --device, or give a .toml of your own"
        )
    if board.nvidia_driver:
        return by_name["x86-cuda"], "an NVIDIA driver is loaded, and this is no Jetson"
    return by_name["cpu"], "there is no NVIDIA driver"


def _run(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _text(path: Path) -> str | None:
    """A small file's text; the device tree ends its strings with NUL."""
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    return text.replace("\0", " ").strip() or None


def _l4t(text: str | None) -> str | None:
    """``# R36 (release), REVISION: 4.3, …`` → ``36.4.3``."""
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", text or "")
    return f"{found[1]}.{found[2]}" if found else None


def _memory(text: str | None) -> int | None:
    found = re.search(r"^MemTotal:\s+(\d+) kB", text or "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _power_mode(answer: str | None) -> str | None:
    """``NV Power Mode: 15W\\n0`` → ``15W``; the number differs between JetPack versions."""
    found = re.search(r"NV Power Mode:\s*(\S+)", answer or "")
    return found[1].removeprefix("MODE_") if found else None


def _power_modes(text: str | None) -> tuple[str, ...]:
    names = re.findall(r"^<\s*POWER_MODEL\s+ID=\d+\s+NAME=(\S+)\s*>", text or "", re.MULTILINE)
    return tuple(name.removeprefix("MODE_") for name in names)
