"""`headstart bench`: speed and memory on this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import BundleOption, JsonOption, UnusedGallery
from headstart.cli.terminal import notice, say, say_json, say_table

if TYPE_CHECKING:
    from headstart.benchmarks.bench import BenchResult


def bench(
    rounds: Annotated[int, typer.Option(help="How often recognition and adapting are timed.")] = 50,
    runs: Annotated[int, typer.Option(help="How many fresh processes are timed.")] = 5,
    bundle: BundleOption = None,
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Measure speed and memory on this machine.

    recognize_over_encoders is the time of one recognition (a picture of 640x480 and a second and
    a half of sound, everything to the decision) over that of the same encoder calls on ready
    tensors. Adapting is timed beside ten SGD steps of torch, where torch is installed, with one
    thread each. Times are medians; the quartiles stand beside them. Takes up to a minute.

    \b
    headstart bench
    headstart bench --json > bench.json
    """
    from headstart.benchmarks.bench import measure

    def report(what: str) -> None:
        if sys.stderr.isatty():
            notice(f"measuring {what}")

    result = measure(bundle, rounds=rounds, runs=runs, report=report)
    if as_json:
        say_json(result.to_dict())
    else:
        _say(result)
    return 0


def _say(result: BenchResult) -> None:
    rows = [
        (name, f"{s.median:.3f}", f"{s.p25:.3f} to {s.p75:.3f}", s.count)
        for name, s in result.spreads().items()
    ]
    say_table(("what", "median", "half of them", "times"), rows)
    say("")
    say(f"recognize_over_encoders {result.recognize_over_encoders:.3f} (median over median)")
    ratio = result.adapt_ratio
    adapted = f"{result.adaptation.head} on {result.adaptation.rows} rows"
    against = "torch is not installed" if ratio is None else f"{ratio:.1f} times faster than torch"
    say(f"adapting: {adapted}, {against}")
    say(f"peak memory of a run {result.peak_memory_mb:.0f} MiB; {result.threads} threads")
