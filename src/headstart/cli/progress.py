"""Progress bars: on stderr, and only where somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sized
from typing import TypeVar

Item = TypeVar("Item")


def tracker(what: str) -> Callable[[Iterable[Item]], Iterable[Item]]:
    """A function that shows how far the loop over its argument has come."""

    def track(items: Iterable[Item]) -> Iterable[Item]:
        if not sys.stderr.isatty():
            return items
        from rich.console import Console
        from rich.progress import track as show

        total = len(items) if isinstance(items, Sized) else None
        return show(
            items, what, total=total, console=Console(stderr=True, markup=False), transient=True
        )

    return track
