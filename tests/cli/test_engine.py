from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from headstart.cli.engine import engine_app
from headstart.runtime.errors import ArtifactError, ConfigError

Command = Callable[..., Any]


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    return tmp_path / "engines"


@pytest.fixture
def command(engines: Path) -> Command:
    """Runs one command of `headstart engine` in this process; gives its exit code."""

    def run(name: str, *arguments: str) -> Any:
        app: Any = typer.main.get_command(engine_app)
        given = [name, "--engines", str(engines), *arguments]
        return app.main(args=given, prog_name="headstart engine", standalone_mode=False)

    return run


@pytest.fixture
def _rtx() -> None:
    pytest.importorskip("tensorrt_rtx", reason="pip install tensorrt-rtx-cu13==1.7.1.116")


@pytest.mark.usefixtures("_rtx")
def test_a_build_is_listed_as_ready(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--device", "x86-cuda", "--tensorrt", "tensorrt_rtx", "--json")
    assert command("build", *asked, "--stream", "speech") == 0
    built = json.loads(capsys.readouterr().out)
    assert [(e["stream"], e["state"]) for e in built["engines"]] == [("speech", "ready")]
    assert command("list", *asked) == 0
    listed = json.loads(capsys.readouterr().out)
    (line,) = listed["engines"]
    assert (line["stream"], line["precision"], line["state"]) == ("speech", "fp32", "ready")
    assert line["elapsed_s"] > 0 and line["plan_mb"] > 1
    assert (listed["device"], listed["target"]["flavour"]) == ("x86-cuda", "tensorrt_rtx")


@pytest.mark.usefixtures("_rtx")
def test_people_see_stages_on_stderr_and_a_table_on_stdout(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--device", "x86-cuda", "--tensorrt", "tensorrt_rtx", "--stream", "speech")
    assert command("build", *asked) == 0
    seen = capsys.readouterr()
    assert "headstart: speech fp32: building\n" in seen.err
    assert "headstart: speech fp32: ready\n" in seen.err
    assert seen.out.splitlines()[0].split() == ["stream", "precision", "state", "took"]
    assert seen.out.splitlines()[1].split()[:3] == ["speech", "fp32", "ready"]


def test_an_empty_folder_is_listed_without_tensorrt_or_a_gpu(
    command: Command, engines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("list", "--device", "cpu", "--tensorrt", "tensorrt", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert (listed["engines"], listed["folder"]) == ([], str(engines))
    assert not engines.exists()


@pytest.mark.usefixtures("_rtx")
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("--device", "cpu"), ConfigError, "device cpu has no GPU and builds no engines"),
        (("--device", "jetson-orin"), ConfigError, "no device 'jetson-orin' .did you mean 'jetson"),
        (("--device", "jetson-orin-nano-8gb"), ConfigError, "tensorrt_rtx does not run on jetson-"),
        (("--device", "x86-cuda", "--precision", "half"), ConfigError, "no precision 'half'"),
        (("--device", "x86-cuda", "--stream", "smell"), ConfigError, "has no stream 'smell'"),
        (("--device", "x86-cuda", "--bundle", "gone"), ArtifactError, "gone"),
    ],
    ids=["no GPU", "unknown device", "wrong TensorRT", "precision", "stream", "bundle"],
)
def test_what_cannot_be_built_is_refused_before_anything_is_written(
    command: Command,
    engines: Path,
    arguments: tuple[str, ...],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        command("build", "--tensorrt", "tensorrt_rtx", *arguments)
    assert not engines.exists()
