from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from headstart.runtime.board import Board, detect_board, device_for
from headstart.runtime.device_config import load_devices
from headstart.runtime.errors import ConfigError

NVPMODEL_CONF = """
# comment
< PARAM TYPE=FILE NAME=CPU_ONLINE >
< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=1 NAME=25W >
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
< PM_CONFIG DEFAULT=1 >
"""
Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_below(path: str, text: str) -> None:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    return write_below


def silent(command: Sequence[str]) -> None:
    """A machine without nvpmodel."""


def jetson(write: Write, compatible: str) -> None:
    write("proc/device-tree/model", "NVIDIA Jetson Orin Nano Developer Kit\0")
    write("proc/device-tree/compatible", compatible)
    write("etc/nv_tegra_release", "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic")
    write("proc/meminfo", "MemTotal:        7802540 kB\nMemFree:  1 kB\n")
    write("etc/nvpmodel.conf", NVPMODEL_CONF)


def test_an_orin_nano_developer_kit_is_read_in_full(tmp_path: Path, write: Write) -> None:
    jetson(write, "nvidia,p3768-0000+p3767-0005\0nvidia,p3767-0005\0nvidia,tegra234\0")
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> str:
        asked.append(command)
        return "NV Power Mode: 15W\n0\n"

    board = detect_board(tmp_path, ask)
    assert board.model == "NVIDIA Jetson Orin Nano Developer Kit"
    assert board.modules == ("p3768-0000", "p3767-0005")
    assert (board.l4t, board.jetpack, board.is_jetson) == ("36.4.3", "6.1 or 6.2", True)
    assert board.memory_bytes == 7802540 * 1024
    assert (board.power_mode, board.power_modes) == ("15W", ("15W", "25W", "MAXN_SUPER"))
    assert asked == [["nvpmodel", "-q"]]
    device, reason = device_for(board, load_devices())
    assert (device.name, reason) == ("jetson-orin-nano-8gb", "its module is p3767-0005")


@pytest.mark.parametrize(
    ("compatible", "name"),
    [
        ("nvidia,p3768-0000+p3767-0004\0nvidia,tegra234\0", "jetson-orin-nano-4gb"),
        ("nvidia,p3768-0000+p3767-0003\0nvidia,tegra234\0", "jetson-orin-nano-8gb"),
        ("nvidia,p3768-0000+p3767-0001\0nvidia,tegra234\0", "jetson-orin-nx-8gb"),
        ("nvidia,p3509-0000+p3767-0000\0nvidia,tegra234\0", "jetson-orin-nx-16gb"),
        ("nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0", "jetson-agx-orin-32gb"),
        ("nvidia,p3737-0000+p3701-0005\0nvidia,tegra234\0", "jetson-agx-orin-64gb"),
        ("nvidia,p4071-0000+p3834-0008\0nvidia,tegra264\0", "jetson-thor-t5000"),
        ("nvidia,p4071-0000+p3834-0000\0nvidia,tegra264\0", "jetson-thor-t4000"),
        ("nvidia,p3509-0000+p3668-0001\0nvidia,tegra194\0", "jetson-xavier-nx"),
    ],
)
def test_the_module_in_the_device_tree_decides(
    tmp_path: Path, write: Write, compatible: str, name: str
) -> None:
    jetson(write, compatible)
    device, _ = device_for(detect_board(tmp_path, silent), load_devices())
    assert device.name == name


def test_an_unknown_jetson_is_an_error_that_lists_the_devices(tmp_path: Path, write: Write) -> None:
    jetson(write, "nvidia,p9999-0001\0nvidia,tegra999\0")
    with pytest.raises(ConfigError, match=r"not known \(NVIDIA Jetson .*p9999-0001\).*--device"):
        device_for(detect_board(tmp_path, silent), load_devices())


def test_a_pc_with_a_driver_is_x86_cuda(tmp_path: Path, write: Write) -> None:
    write("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65")
    device, reason = device_for(detect_board(tmp_path, silent), load_devices())
    assert (device.name, reason) == (
        "x86-cuda",
        "an NVIDIA driver is loaded, and this is no Jetson",
    )


def test_an_empty_machine_is_a_cpu_and_raises_nothing(tmp_path: Path) -> None:
    board = detect_board(tmp_path, silent)
    assert board == Board(
        architecture=board.architecture,
        model=None,
        modules=(),
        l4t=None,
        memory_bytes=None,
        power_mode=None,
        power_modes=(),
        nvidia_driver=False,
    )
    assert device_for(board, load_devices())[0].name == "cpu"


@pytest.mark.parametrize(
    ("answer", "mode"),
    [
        ("NV Power Mode: MODE_20W_6CORE\n8\n", "20W_6CORE"),
        ("NVPM WARN: fan mode is not set!\nNV Power Mode: MAXN\n0\n", "MAXN"),
        ("something else", None),
        (None, None),
    ],
)
def test_power_modes_are_read_by_name(tmp_path: Path, answer: str | None, mode: str | None) -> None:
    assert detect_board(tmp_path, lambda command: answer).power_mode == mode
