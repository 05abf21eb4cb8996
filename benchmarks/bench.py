"""The measurements behind `headstart bench`: speed and memory on this machine."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headstart import runtime
from headstart.benchmarks.adaptation import THREADS, AdaptationCost, measure_adaptation
from headstart.benchmarks.recognition import RecognitionCost, measure_recognition
from headstart.benchmarks.timing import Spread
from headstart.benchmarks.whole_process import measure_open, measure_peak_memory
from headstart.runtime.encoders.onnxruntime import default_threads
from headstart.runtime.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """What was measured.

    Args:
        recognition: cost of one recognition and of its encoders.
        adaptation: cost of adapting, 5-way 5-shot with all streams.
        open_s: seconds of a whole process: import headstart, open bundle and gallery.
        peak_memory_mb: MiB of `headstart run` on the demo's clip.
        threads: of every encoder.
    """

    recognition: RecognitionCost
    adaptation: AdaptationCost
    open_s: Spread
    peak_memory_mb: float
    threads: int

    @property
    def recognize_over_encoders(self) -> float:
        """The median of recognition over the median of its encoder calls."""
        return self.recognition.recognize.median / self.recognition.encoders.median

    @property
    def adapt_ratio(self) -> float | None:
        """How many times faster than torch; None without torch."""
        torch = self.adaptation.torch
        return None if torch is None else torch.median / self.adaptation.adapt.median

    def spreads(self) -> dict[str, Spread]:
        """Everything that was timed more than once, by the name that it has in the JSON."""
        found = {
            "recognize_over_encoders": self.recognition.over_encoders,
            "recognize_ms": self.recognition.recognize,
            "encoders_ms": self.recognition.encoders,
            **{f"encode_ms.{name}": s for name, s in self.recognition.encode.items()},
            "adapt_ms": self.adaptation.adapt,
            "refit_ms": self.adaptation.refit,
            "open_s": self.open_s,
        }
        if self.adaptation.torch is not None:
            found["adapt_torch_ms"] = self.adaptation.torch
        return found

    def to_dict(self) -> dict[str, Any]:
        """The fields for machines; `iqr` holds the quartiles of each time."""
        torch = self.adaptation.torch
        return {
            "recognize_over_encoders": self.recognize_over_encoders,
            "recognize_ms": self.recognition.recognize.median,
            "encoders_ms": self.recognition.encoders.median,
            "encode_ms": {name: s.median for name, s in self.recognition.encode.items()},
            "adapt_ms": self.adaptation.adapt.median,
            "adapt_torch_ms": None if torch is None else torch.median,
            "adapt_ratio": self.adapt_ratio,
            "adapt_rows": self.adaptation.rows,
            "adapt_head": self.adaptation.head,
            "refit_ms": self.adaptation.refit.median,
            "open_s": self.open_s.median,
            "peak_memory_mb": self.peak_memory_mb,
            "threads": self.threads,
            "adapt_threads": THREADS,
            "machine": f"{platform.platform()}, Python {platform.python_version()}",
            "iqr": {name: [s.p25, s.p75] for name, s in self.spreads().items()},
        }


def measure(
    bundle: Path | None = None,
    *,
    rounds: int = 50,
    runs: int = 5,
    report: Callable[[str], None] = lambda what: None,
) -> BenchResult:
    """Measure this machine; takes up to a minute.

    Args:
        bundle: None is the starter bundle.
        rounds: how often recognition and adaptation are timed.
        runs: how many fresh processes are timed.
        report: told what is measured next.

    Raises:
        ConfigError: fewer than one round or run.
        BackendError: a measured process failed.
    """
    if rounds < 1 or runs < 1:
        raise ConfigError(f"{rounds} rounds and {runs} runs were asked for; expected at least 1")
    threads = default_threads()
    with TemporaryDirectory(prefix="headstart-bench-") as name:
        folder = Path(name)
        gallery = folder / "gallery.sqlite"
        report("recognition")
        recognition = measure_recognition(bundle, gallery, rounds=rounds, threads=threads)
        report("adaptation")
        adaptation = measure_adaptation(bundle, gallery, rounds=rounds)
        report("opening")
        open_s = measure_open(bundle, folder, runs=runs)
        report("memory")
        peak_mb = measure_peak_memory(bundle, gallery, demo_clip())
    return BenchResult(
        recognition=recognition,
        adaptation=adaptation,
        open_s=open_s,
        peak_memory_mb=peak_mb,
        threads=threads,
    )


def demo_clip() -> Path:
    """The recording that `headstart demo` recognises things in."""
    return Path(runtime.__file__).parent / "demo" / "clips" / "live.mp4"
