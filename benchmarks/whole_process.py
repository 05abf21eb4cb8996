"""What a whole process costs: time until it is ready, and its peak memory."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from headstart.benchmarks.timing import Spread
from headstart.runtime.errors import BackendError

_OPEN = """
import sys
import headstart
headstart.Recognizer.open(sys.argv[1] or None, sys.argv[2])
"""

# The peak of this program alone: `ru_maxrss` would count whoever started it, because a process
# inherits the peak of the memory it was forked from.
_RUN_AND_TELL = """
import resource, sys
from headstart.cli import main
code = main(sys.argv[1:])
try:
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(f"peak {peak}", file=sys.stderr)
sys.exit(code)
"""


def measure_open(bundle: Path | None, folder: Path, *, runs: int) -> Spread:
    """Seconds of fresh processes that import headstart and open a bundle and a new gallery.

    Args:
        bundle: None is the starter bundle.
        folder: for the galleries.
        runs: how many processes.
    """
    seconds = []
    for run in range(runs):
        begun = time.perf_counter()
        _run(_OPEN, str(bundle or ""), str(folder / f"opened-{run}.sqlite"))
        seconds.append(time.perf_counter() - begun)
    return Spread.of(seconds)


def measure_peak_memory(bundle: Path | None, gallery: Path, clip: Path) -> float:
    """Peak resident memory in MiB of ``headstart run CLIP --json``.

    Args:
        bundle: None is the starter bundle.
        gallery: with something enrolled.
        clip: a recording.
    """
    chosen = [] if bundle is None else ["--bundle", str(bundle)]
    told = _run(_RUN_AND_TELL, "run", str(clip), "--json", "--gallery", str(gallery), *chosen)
    return int(told.split()[-1]) / 1024


def _run(code: str, *arguments: str) -> str:
    """Run a program in a fresh interpreter; its stderr."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("peak ")]
        raise BackendError(
            f"a measured process failed ({(lines or ['no message'])[-1]}); expected it to end well:"
            " run `headstart doctor`"
        )
    return done.stderr
