"""From the arguments of the process to its exit code: the one place where errors become lines."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from headstart.cli.app import DEBUG_FLAG, command_tree
from headstart.cli.terminal import forgive_encodings, notice
from headstart.runtime.errors import HeadstartError

DONE, FAILED, WRONG_USAGE = 0, 1, 2
INTERRUPTED, OUTPUT_CLOSED = 130, 141
"""What a shell reports for a process that SIGINT or SIGPIPE ended."""

_USAGE_ERROR = typer.BadParameter.__mro__[1]
"""Typer does not export the base of its usage errors under a name that all versions share."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: without the program's name; None takes those of the process.

    Returns:
        The exit code: 0 done, 1 a clear failure, 2 wrong usage.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    forgive_encodings()
    _show_warnings()
    given, debug = _without_debug(given)
    try:
        code = _run(given)
        sys.stdout.flush()
        return code
    except SystemExit as stop:
        # Typer ends the process by itself when the reader of a pipe has gone.
        if isinstance(stop.__context__, BrokenPipeError):
            return _output_closed()
        raise
    except BrokenPipeError:
        return _output_closed()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _explain(error, debug)


def _run(arguments: list[str]) -> int:
    result: Any = command_tree().main(args=arguments, prog_name="headstart", standalone_mode=False)
    return result if isinstance(result, int) else DONE


def _explain(error: Exception, debug: bool) -> int:
    """Say on one line why it did not work; the exit code."""
    if isinstance(error, _USAGE_ERROR):
        context = getattr(error, "ctx", None)
        command = "headstart" if context is None else context.command_path
        notice(f"{_usage_message(error)}: see `{command} --help`")
        return WRONG_USAGE
    if isinstance(error, typer.Abort):
        notice("stopped; nothing was changed")
        return FAILED
    if isinstance(error, HeadstartError):
        notice(str(error))
        return FAILED
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        _drop_output()
        notice(
            f"{error.filename or 'the output'} cannot be written, the disk is full: free some space"
        )
        return FAILED
    said = str(error) or "no message"
    advice = "" if debug else f"run it again with {DEBUG_FLAG} and "
    notice(f"unexpected {type(error).__name__} ({said}); {advice}please report what it prints")
    return FAILED


def _usage_message(error: Any) -> str:
    # Commands raise it for several options together; "Invalid value:" would name none of them.
    about_one = getattr(error, "param", None) or getattr(error, "param_hint", None)
    plain = isinstance(error, typer.BadParameter) and not about_one
    said = error.message if plain else error.format_message()
    return " ".join(said.split()).rstrip(".")


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Take the flag out wherever it stands: it is added to the end of a line that failed."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [word for word in arguments[:end] if word != DEBUG_FLAG]
    return kept + arguments[end:], len(kept) < end


def _output_closed() -> int:
    """End quietly, as tools in a pipeline do when nobody reads on."""
    _drop_output()
    return OUTPUT_CLOSED


def _drop_output() -> None:
    """Python flushes stdout once more when it ends, and would complain about it then."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _NoticeHandler(logging.Handler):
    """Shows the library's warnings like the command line's own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        notice(record.getMessage())


def _show_warnings() -> None:
    logger = logging.getLogger("headstart")
    if not any(isinstance(handler, _NoticeHandler) for handler in logger.handlers):
        handler = _NoticeHandler(logging.WARNING)
        logger.addHandler(handler)
        logger.propagate = False
