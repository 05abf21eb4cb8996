"""Exit codes, the one line on stderr, closed pipes, and what starting costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headstart.cli.app import command_tree
from headstart.runtime.gallery.gallery import Gallery

if TYPE_CHECKING:
    from tests.cli.conftest import Run, RunProcess

_HEAVY = ("numpy", "onnxruntime", "cv2", "av", "torch", "pydantic", "rich", "sounddevice")


def test_help_lists_every_command(run: Run) -> None:
    outcome = run("--help")

    assert outcome.code == 0
    assert all(f"\n  {name} " in outcome.out for name in command_tree().commands)


def test_the_bare_name_shows_the_same_help(run: Run) -> None:
    assert run() == run("--help")


@pytest.mark.parametrize("name", sorted(command_tree().commands))
def test_every_command_explains_itself_with_an_example(run: Run, name: str) -> None:
    outcome = run(name, "--help")

    assert outcome.code == 0
    assert f"\n  headstart {name}" in outcome.out


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").out == "headstart 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["recognise"], "No such command 'recognise'"),
        (["eval"], "Missing argument 'DATA'"),
        (["eval", "data", "--ways", "x"], "Invalid value for '--ways'"),
        (["eval", "data", "--cache", "c", "--no-cache"], "give --cache or --no-cache, not both"),
        (["enroll", "mug"], "nothing to learn from; give PATH, --camera or --mic"),
        (["classes", "--nonsense"], "No such option: --nonsense"),
        (["bundle", "info", "a", "--bundle", "b"], "give the bundle once"),
        (["rename", "mug"], "Missing argument 'NEW'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_2_and_names_the_help(
    run: Run, arguments: list[str], said: str
) -> None:
    outcome = run(*arguments)

    assert outcome.code == 2
    assert outcome.failure().startswith(said)
    assert "--help`" in outcome.err


def test_a_failure_is_one_line_and_ends_with_1(run: Run, gallery: Path) -> None:
    outcome = run("classes", "--gallery", gallery)

    assert outcome.code == 1
    assert outcome.failure().startswith(f"there is no gallery at {str(gallery)!r}")


@pytest.mark.parametrize("place", [0, 1, 3], ids=["first", "second", "last"])
def test_debug_shows_where_it_came_from_wherever_it_stands(
    run: Run, gallery: Path, place: int
) -> None:
    arguments = ["classes", "--gallery", str(gallery)]
    arguments.insert(place, "--debug")

    outcome = run(*arguments)

    assert outcome.code == 1
    assert outcome.err.startswith("Traceback")
    assert f"headstart: there is no gallery at {str(gallery)!r}" in outcome.err


def test_after_two_dashes_debug_is_a_word_like_any_other(run: Run, enrolled: Path) -> None:
    outcome = run("rename", "--gallery", enrolled, "--", "mug", "--debug")

    assert outcome.code == 0
    assert outcome.out == "'mug' is called '--debug' now (version 3)\n"


def test_our_own_mistake_is_one_line_that_asks_for_a_report(
    run: Run, enrolled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(Gallery, "open", break_down)

    outcome = run("classes", "--gallery", enrolled)

    assert outcome.code == 1
    assert outcome.failure() == (
        "unexpected KeyError ('a bug'); run it again with --debug and please report what it prints"
    )


def test_an_interruption_ends_quietly_with_130(
    run: Run, enrolled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Gallery, "open", interrupt)

    outcome = run("classes", "--gallery", enrolled)

    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")


def test_a_reader_that_goes_away_ends_it_quietly(enrolled: Path) -> None:
    command = [sys.executable, "-m", "headstart.cli", "classes", "--gallery", str(enrolled)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2] / "src",
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_under_the_output_is_one_line(run_process: RunProcess, enrolled: Path) -> None:
    with open("/dev/full", "w") as full:
        done = run_process("classes", "--gallery", enrolled, stdout=full, stderr=subprocess.PIPE)

    assert done.returncode == 1
    assert done.stderr == (
        "headstart: the output cannot be written, the disk is full: free some space\n"
    )


def test_a_closed_output_is_no_failure(enrolled: Path) -> None:
    module = [sys.executable, "-m", "headstart.cli", "classes", "--gallery", str(enrolled)]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *module],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2] / "src",
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_any_name_can_be_printed_in_any_locale(
    run: Run, run_process: RunProcess, enrolled: Path
) -> None:
    assert run("rename", "mug", "☕ كوب", "--gallery", enrolled).code == 0

    done = run_process(
        "classes",
        *("--gallery", enrolled),
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )

    assert done.returncode == 0
    assert r"\u2615 \u0643" in done.stdout


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import json, sys\n"
        "from headstart.cli import main\n"
        "main(['--help'])\n"
        f"print(json.dumps([name for name in {_HEAVY} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2] / "src",
    )

    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_shell_can_complete_commands(run_process: RunProcess) -> None:
    done = run_process(
        env={
            "_HEADSTART_COMPLETE": "complete_bash",
            "COMP_WORDS": "headstart ren",
            "COMP_CWORD": "1",
        },
        capture_output=True,
    )

    assert done.stdout.split() == ["rename"]
