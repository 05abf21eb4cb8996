"""What `headstart run` prints for people: a line for whatever begins, and what is there now."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from headstart.cli.terminal import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from headstart.runtime.live.events import Event

_NAME_COLUMNS = 22
_BAR_COLUMNS = 12


class RunView:
    """Prints events as they come; in a terminal, the last line shows what is there now.

    Args:
        several: name the source in each line.
    """

    def __init__(self, *, several: bool) -> None:
        # Paths are long, and a file that is searched later wants each event on one line.
        self._console = plain_console(1000)
        self._several = several
        self._live: Any = None
        self._since_s: dict[str, float] = {}
        self._titled = False

    def __enter__(self) -> RunView:
        if self._console.is_terminal:
            from rich.live import Live

            self._live = Live(
                console=self._console, auto_refresh=False, transient=True, redirect_stderr=True
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Show one event."""
        if not self._titled:
            self._console.print(self._title(), style="bold")
            self._titled = True
        if event.type == "new":
            self._since_s[event.id] = event.time_s or 0.0
            self._console.print(self._line(event), no_wrap=True, overflow="ellipsis")
        elif event.type == "end":
            self._since_s.pop(event.id, None)
        if self._live is not None and event.time_s is not None:
            self._live.update(self._now(event), refresh=True)
        if self._live is None:
            sys.stdout.flush()

    def _title(self) -> str:
        source = "   from" if self._several else ""
        return (
            f"{'time':>9}   {'what':<{_NAME_COLUMNS}} {'sure':>5}   by{' ' * 34}{source}".rstrip()
        )

    def _line(self, event: Event) -> Text:
        from rich.text import Text

        time = "" if event.time_s is None else _clock(event.time_s)
        line = Text(f"{time:>9}   ")
        line.append(
            f"{_name(event):<{_NAME_COLUMNS}}", style="dim" if event.unknown else "bold green"
        )
        line.append(f" {_sure(event):>5}   ")
        line.append(f"{_why(event):<36}", style="dim")
        if self._several:
            line.append(f"   {shown(event.source)}", style="dim")
        return line

    def _now(self, event: Event) -> Text:
        from rich.text import Text

        line = Text(f"{_clock(event.time_s or 0.0):>9}   ")
        if event.type == "end":
            return line.append("…", style="dim")
        line.append(
            f"{_name(event):<{_NAME_COLUMNS}}", style="dim" if event.unknown else "bold green"
        )
        filled = 0 if event.unknown else round(event.probability * _BAR_COLUMNS)
        line.append(" " + "█" * filled, style="green")
        line.append("░" * (_BAR_COLUMNS - filled), style="dim")
        lasting_s = max(0.0, (event.time_s or 0.0) - self._since_s.get(event.id, 0.0))
        line.append(f"  for {lasting_s:.0f} s, {event.latency_ms:.0f} ms", style="dim")
        if event.dropped:
            line.append(f", {event.dropped} dropped", style="yellow")
        return line


def plain_console(width: int) -> Console:
    """A console on stdout that takes no text for markup; ``width`` where it is not a terminal."""
    from rich.console import Console

    columns = None if sys.stdout.isatty() else width
    return Console(width=columns, markup=False, emoji=False, highlight=False)


def by_stream(streams: Mapping[str, float]) -> str:
    """``image 62 %, sound 38 %``; streams without a share are left out."""
    return ", ".join(f"{name} {share:.0%}" for name, share in streams.items() if share >= 0.005)


def _name(event: Event) -> str:
    name = "unknown" if event.label is None else shown(event.label)
    return name if len(name) <= _NAME_COLUMNS else name[: _NAME_COLUMNS - 1] + "…"


def _sure(event: Event) -> str:
    return "" if event.unknown else f"{event.probability:.0%}"


def _why(event: Event) -> str:
    return event.reason if event.unknown else by_stream(event.streams)


def _clock(time_s: float) -> str:
    """``12.3 s``, ``1:02:03`` from a minute on."""
    if time_s < 60:
        return f"{math.floor(time_s * 10) / 10:.1f} s"
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
