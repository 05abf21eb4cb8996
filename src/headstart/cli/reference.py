"""The commands' reference page, written from the commands: ``python -m headstart.cli.reference``.

`docs/commands.md` is its output, and a test compares the two.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from headstart.cli.app import command_tree

_HEAD = """# Commands

Written by `python -m headstart.cli.reference > docs/commands.md` from the commands themselves.

Exit codes: 0 done, 1 a failure that one line on stderr explains, 2 wrong usage, 130 interrupted.
Results go to stdout, everything about the work to stderr. `--debug`, anywhere on the line, shows
where an error came from. `headstart --install-completion` makes the shell complete commands,
options and class names.
"""


def render() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    for path, command in commands_of(command_tree()):
        parts.append("\n".join(_section(" ".join(path), command)))
    return "\n".join(parts)


def commands_of(
    command: Any, path: tuple[str, ...] = ("headstart",)
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it, in order."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, child in below.items():
        yield from commands_of(child, (*path, name))


def _section(name: str, command: Any) -> Iterator[str]:
    yield f"## {name}\n"
    yield from _description(command.help or "")
    rows = [_row(param) for param in command.params if not getattr(param, "hidden", False)]
    yield "| argument or option | meaning |\n|---|---|"
    yield from (f"| {left} | {right} |" for left, right in rows)
    yield ""


def _description(text: str) -> Iterator[str]:
    """Paragraphs as they are, examples (marked with a backspace for the help page) as code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = paragraph.strip("\n").splitlines()
        if lines and lines[0] == "\b":
            yield "```console"
            yield from (f"$ {line}" for line in lines[1:])
            yield "```\n"
        else:
            yield "\n".join(lines) + "\n"


def _row(param: Any) -> tuple[str, str]:
    if param.param_type_name == "argument":
        name = param.metavar or param.name.upper()
        left = f"`{name}`"
    else:
        value = "" if getattr(param, "is_flag", False) else f" {param.metavar or _kind(param)}"
        left = " ".join(f"`{word}{value}`" for word in param.opts)
    default = param.default
    says = param.help or ""
    if default is not None and default is not False and param.param_type_name == "option":
        says += f" Default: `{default}`."
    return left, says.replace("|", "\\|")


def _kind(param: Any) -> str:
    return {"int": "N", "float": "X"}.get(type(param.default).__name__, "TEXT")


if __name__ == "__main__":
    print(render(), end="")
