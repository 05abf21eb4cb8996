from __future__ import annotations

from pathlib import Path

import pytest

from headstart.runtime.device_config import (
    CONFIG_FOLDER,
    device_names,
    load_device,
    load_devices,
    parse_precision,
)
from headstart.runtime.errors import ConfigError

SMALLEST = """
title = "A board of one's own"
[memory]
budget_mb = 100
[engine]
precisions = ["fp32"]
workspace_mb = 64
[support]
level = "best-effort"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "my-board.toml"
    path.write_text(SMALLEST)
    return path


def test_every_promised_device_is_there_and_valid() -> None:
    assert {device.name for device in load_devices()} == {
        "cpu",
        "jetson-agx-orin-32gb",
        "jetson-agx-orin-64gb",
        "jetson-orin-nano-4gb",
        "jetson-orin-nano-8gb",
        "jetson-orin-nx-8gb",
        "jetson-orin-nx-16gb",
        "jetson-thor-t4000",
        "jetson-thor-t5000",
        "jetson-xavier-nx",
        "x86-cuda",
    }


def test_no_module_belongs_to_two_devices() -> None:
    modules = [module for device in load_devices() for module in device.board.modules]
    assert len(modules) == len(set(modules))


def test_budgets_fit_the_memory() -> None:
    for device in load_devices():
        if device.memory.total_gb is not None:
            assert device.memory.budget_mb < device.memory.total_gb * 1000 / 2, device.name


def test_accelerators_are_asked_for_only_where_there_are_some() -> None:
    for device in load_devices():
        if device.engine is not None and device.engine.dla_core is not None:
            assert device.engine.dla_core < device.dla.cores, device.name
        assert bool(device.dla.cores) == bool(device.dla.tensorrt), device.name


def test_nothing_claims_to_have_run_on_a_gpu() -> None:
    assert [device.name for device in load_devices() if device.support.verified] == ["cpu"]


def test_each_file_cites_its_sources() -> None:
    for name in device_names():
        text = (CONFIG_FOLDER / f"{name}.toml").read_text()
        assert name == "cpu" or "https://" in text, name


def test_a_device_of_ones_own_is_named_like_its_file(own: Path) -> None:
    device = load_device(own)
    assert (device.name, device.title) == ("my-board", "A board of one's own")
    assert device.gpu is None and device.engine is not None and device.engine.max_batch == 8


def test_an_unknown_device_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'jetson-orin-nx-8g' \(did you mean 'jetson-orin-nx-8"):
        load_device("jetson-orin-nx-8g")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("workspace_mb", "workspce_mb", r"unknown key 'engine.workspce_mb' \(did you mean 'worksp"),
        ("[engine]", "[engines]", r"unknown key 'engines' \(did you mean 'engine'\?\); expected"),
        ("title", 'name = "x"\ntitle', r"unknown key 'name'"),
        ('["fp32"]', '["fp8"]', r"engine.precisions.0 is wrong .*not 'fp8'"),
        ("workspace_mb = 64\n", "", r"engine.workspace_mb is wrong \(Field required\)"),
        ("[memory]", "[memory", r"is not TOML"),
    ],
    ids=["key", "table", "name", "value", "missing", "syntax"],
)
def test_a_wrong_file_names_file_key_and_what_is_valid(
    own: Path, old: str, new: str, words: str
) -> None:
    own.write_text(SMALLEST.replace(old, new))
    with pytest.raises(ConfigError, match=rf"my-board\.toml.*{words}"):
        load_device(own)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone.toml cannot be read \(No such file"):
        load_device(tmp_path / "gone.toml")


def test_precisions_are_parsed_by_name() -> None:
    assert parse_precision("int8") == "int8"
    with pytest.raises(ConfigError, match="no precision 'half'; expected one of fp32, fp16, int8"):
        parse_precision("half")
