"""`headstart demo`: the main job on real input, with a table, a picture and a page to look at."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headstart.cli.options import BundleOption, JsonOption, UnusedGallery
from headstart.cli.terminal import notice, say, say_json, say_rich, shown

if TYPE_CHECKING:
    from headstart.runtime.demo.page_file import Written
    from headstart.runtime.demo.performance import Performance

_GOAL_WORDS = {
    "enrolled": "enrolled things recognised",
    "never enrolled": "never enrolled, answered with unknown",
    "nothing": "gaps without a name said",
}


def demo(
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Where the page and the picture go."),
    ] = Path("demo-result"),
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser when it is done.")
    ] = False,
    camera: Annotated[
        str | None,
        typer.Option(
            "--camera",
            metavar="URI",
            help="Show your own things to this camera instead.",
            show_default=False,
        ),
    ] = None,
    mic: Annotated[
        str | None,
        typer.Option(
            "--mic",
            metavar="DEVICE",
            help="Let your own things sound at this microphone instead.",
            show_default=False,
        ),
    ] = None,
    bundle: BundleOption = None,
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Teach a few things from clips, recognise them in a longer one, and show the result.

    \b
    headstart demo
    headstart demo --open
    headstart demo --camera 0 --mic default

    The clips come with headstart. Your own gallery is neither read nor changed. Exit code 1 if
    fewer than 95 % of what was taught is recognised, or fewer than 90 % of what was not is
    answered with "unknown".
    """
    from headstart.runtime.live.stopping import StopRequest

    with tempfile.TemporaryDirectory(prefix="headstart-demo-") as folder:
        own_gallery = Path(folder) / "gallery.sqlite"
        if camera is not None or mic is not None:
            from headstart.cli.demo_devices import teach_and_recognise

            return teach_and_recognise(camera, mic, bundle, own_gallery, as_json=as_json)
        with StopRequest() as stop:
            performance, footer = _perform(bundle, own_gallery, stop.requested)
            if stop.requested():
                notice("stopped before the end; nothing was written")
                return 1
    from headstart.runtime.demo.page_file import write_result

    written = write_result(performance, out, footer=footer)
    if as_json:
        say_json(_as_json(performance, written))
    else:
        _say_table(performance)
        _say_figures(performance, written)
    if open_page:
        import webbrowser

        webbrowser.open(written.page.resolve().as_uri())
    return 0 if performance.reached else 1


def _perform(bundle: Path | None, gallery: Path, stopped: Any) -> tuple[Performance, str]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from headstart import __version__
    from headstart.runtime.demo.performance import perform
    from headstart.runtime.demo.storyboard import CLIPS
    from headstart.runtime.recognizer import Recognizer

    columns = (TextColumn("{task.description:<32}", markup=False), BarColumn(None))
    where = Console(stderr=True)
    with (
        Progress(*columns, console=where, transient=True, disable=not where.is_terminal) as bar,
        Recognizer.open(bundle, gallery) as recognizer,
    ):
        task = bar.add_task("opening the bundle", total=1.0)
        performance = perform(
            recognizer,
            CLIPS,
            progress=lambda what, part: bar.update(task, description=what, completed=part),
            stopped=stopped,
        )
        manifest = recognizer.bundle.manifest
        footer = (
            f"headstart {__version__}, bundle {manifest.name} {manifest.version}"
            f" (sha256 {recognizer.bundle.digest[:16]}…), {performance.seconds:.1f} s in all,"
            " on the processor alone; nothing left this machine."
        )
    return performance, footer


def _say_table(performance: Performance) -> None:
    from rich.table import Table
    from rich.text import Text

    from headstart.cli.run_view import by_stream

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("shown or heard", min_width=20, ratio=1)
    table.add_column("answer", no_wrap=True)
    table.add_column("sure", justify="right", no_wrap=True)
    table.add_column("by")
    table.add_column("", no_wrap=True)
    for verdict in performance.verdicts:
        segment = verdict.segment
        if segment.kind == "nothing" and not verdict.said:
            continue
        named = Text(shown(", ".join(verdict.said) or "unknown"))
        named.stylize("bold" if verdict.said else "dim")
        table.add_row(
            f"{segment.start_s:.1f}–{segment.end_s:.1f}",
            shown(segment.thing),
            named,
            f"{verdict.sure:.0%}" if verdict.sure and verdict.right else "",
            Text(by_stream(verdict.streams) if verdict.said else "", style="dim"),
            Text("✓", style="green") if verdict.right else Text("✗ wrong", style="bold red"),
        )
    say_rich(table)


def _say_figures(performance: Performance, written: Written) -> None:
    say("")
    for kind, count in performance.counts.items():
        goal = f", asked: at least {count.goal:.0%}" if count.goal else ""
        say(f"{_GOAL_WORDS[kind]}: {count.right} of {count.of} ({count.share:.0%}{goal})")
    longest_ms = max(enrolled.took_ms for enrolled in performance.enrolled)
    say(
        f"teaching one thing: at most {longest_ms:.0f} ms from its file; adapting to all:"
        f" {performance.adapt_ms:.0f} ms; one decision: {performance.decision_ms:.0f} ms"
    )
    say("")
    say(f"page:    {written.page}")
    say(f"picture: {written.picture}")
    sys.stdout.flush()
    if not performance.reached:
        notice("the demo missed its goals; the page shows where: look at the answers marked wrong")


def _as_json(performance: Performance, written: Written) -> dict[str, Any]:
    counts = {
        kind.replace(" ", "_"): {
            "right": count.right,
            "of": count.of,
            "share": round(count.share, 4),
            "goal": count.goal,
        }
        for kind, count in performance.counts.items()
    }
    return {
        "ok": performance.reached,
        "counts": counts,
        "enrolled": [
            {key: value for key, value in asdict(enrolled).items() if key != "thumbnail"}
            for enrolled in performance.enrolled
        ],
        "background_things": performance.background_things,
        "adapt_ms": round(performance.adapt_ms, 1),
        "decision_ms": round(performance.decision_ms, 1),
        "decisions": len(performance.looks),
        "seconds": round(performance.seconds, 2),
        "segments": [
            {
                "start_s": verdict.segment.start_s,
                "end_s": verdict.segment.end_s,
                "thing": verdict.segment.thing,
                "kind": verdict.segment.kind,
                "class": verdict.segment.label,
                "said": list(verdict.said),
                "right": verdict.right,
                "share": round(verdict.share, 3),
                "probability": round(verdict.sure, 4),
                "streams": {name: round(share, 4) for name, share in verdict.streams.items()},
            }
            for verdict in performance.verdicts
        ],
        "page": str(written.page),
        "picture": str(written.picture),
    }
