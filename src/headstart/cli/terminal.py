"""What reaches the terminal: plain text, tables and JSON in which nothing can act on it."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# These make a terminal display one text as another ("Trojan Source", CVE-2021-42574).
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WIDE = 1000
"""Columns of a table that nobody looks at in a terminal: nothing is wrapped for a file."""


def shown(text: object) -> str:
    r"""The text with control characters, line breaks and lone surrogates spelt out.

    >>> shown("tea\x1b[2Jpot")
    'tea\\x1b[2Jpot'
    """
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(c.encode("unicode_escape").decode() if _is_unsafe(c) else c for c in plain)


def say(text: object) -> None:
    """Print one line of the result."""
    print(shown(text))


def notice(text: object) -> None:
    """Print one line about the work, not part of the result: ``headstart: …`` on stderr."""
    print(f"headstart: {shown(text)}", file=sys.stderr)


def say_json(value: Any) -> None:
    """Print one line of JSON; what a terminal could act on is escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    print("".join(_json_escape(c) if _is_unsafe(c) else c for c in text))


def say_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows under column titles."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(shown(cell) for cell in row))
    say_rich(table)


def say_rich(what: RenderableType) -> None:
    """Print a table or the like of rich's, without spaces at the ends of lines."""
    screen = _console()
    with screen.capture() as printed:
        screen.print(what)
    for line in printed.get().splitlines():
        print(line.rstrip())


def _console() -> Console:
    """A console on stdout that takes no text for markup, emoji or numbers to colour."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDE
    return Console(width=width, markup=False, emoji=False, highlight=False)


def local_time(seconds: float) -> str:
    """Seconds since 1970 (UTC) as the device's local time."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds")


def counted(count: int, what: str) -> str:
    """``1 sample``, ``2 samples``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}{_plural(what)}"


def per_stream(streams: Mapping[str, int]) -> str:
    """``image 3, sound 2``."""
    return ", ".join(f"{stream} {count}" for stream, count in streams.items())


def forgive_encodings() -> None:
    """Let every text be printed, whatever the locale; give closed streams a place to write to."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (lives as long as the process)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _plural(what: str) -> str:
    return "es" if what.endswith("s") else "s"


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE_CATEGORIES or character in _BIDI_CONTROLS


def _json_escape(character: str) -> str:
    return f"\\u{ord(character):04x}"
