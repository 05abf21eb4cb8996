"""What each precision of a bundle's encoders costs on this CPU: bytes, and time on one thread.

    python -m headstart.benchmarks.flavours --bundle my-bundle

All precisions that a CPU runs are timed in turn in one run, so that whatever else the machine does
hits all alike. The ratio is of medians.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from headstart.benchmarks.material import thing
from headstart.benchmarks.timing import Spread, interleave
from headstart.bundles import STARTER_PATH
from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import (
    CPU_PRECISIONS,
    OnnxRuntimeEncoder,
    encoder_spec,
    open_encoders,
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One precision of one stream.

    Args:
        stream: its name.
        precision: of the file.
        share: bytes over those of FP32.
        time: milliseconds of one item; None where the CPU does not run it.
        speed_up: FP32's median over this one's; None likewise.
    """

    stream: str
    precision: str
    share: float
    time: Spread | None
    speed_up: float | None


def measure_flavours(bundle: Bundle, *, rounds: int = 100) -> list[Cost]:
    """Time what the CPU runs and weigh every file.

    Raises:
        BackendError: a model does not open or run.
    """
    streams = bundle.manifest.streams
    encoders = open_encoders(bundle, threads=1)
    with Embedder(streams, encoders) as embedder:
        inputs = embedder.inputs(thing(0, 0), "query")
    return [
        cost for stream in streams for cost in _costs(bundle, stream, inputs[stream][0], rounds)
    ]


def _costs(bundle: Bundle, stream: str, batch: NDArray[Any], rounds: int) -> list[Cost]:
    models, files = bundle.manifest.streams[stream].models, bundle.manifest.files
    timed = [precision for precision in models if precision in CPU_PRECISIONS]
    spec = encoder_spec(bundle, stream)
    opened = [OnnxRuntimeEncoder(bundle.model(stream, p), spec, threads=1) for p in timed]
    times = interleave(
        [functools.partial(encoder.encode, batch[:1]) for encoder in opened], rounds, warm_up=10
    )
    spreads = dict(zip(timed, map(Spread.of, times), strict=True))
    for encoder in opened:
        encoder.close()
    return [
        Cost(
            stream=stream,
            precision=precision,
            share=files[name].bytes / files[models["fp32"]].bytes,
            time=spreads.get(precision),
            speed_up=spreads["fp32"].median / spreads[precision].median
            if precision in spreads
            else None,
        )
        for precision, name in models.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m headstart.benchmarks.flavours",
        description="Compare the precisions of a bundle's encoders on this CPU, one thread.",
    )
    parser.add_argument("--bundle", type=Path, default=STARTER_PATH)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    options = parser.parse_args(arguments)
    costs = measure_flavours(load_bundle(options.bundle), rounds=max(1, options.rounds))
    print(f"{'stream':8}{'precision':10}{'bytes':>8}{'ms':>9}{'p25-p75':>16}{'speed-up':>10}")
    for cost in costs:
        line = f"{cost.stream:8}{cost.precision:10}{100 * cost.share:7.1f}%"
        if cost.time is not None:
            quartiles = f"{cost.time.p25:.2f}-{cost.time.p75:.2f}"
            line += f"{cost.time.median:9.2f}{quartiles:>16}{cost.speed_up:9.2f}x"
        print(line)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(cost) for cost in costs], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
