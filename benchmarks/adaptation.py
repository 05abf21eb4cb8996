"""How long adapting takes, beside ten SGD steps of torch on the same rows.

Run as a process of its own (``python -m headstart.benchmarks.adaptation BUNDLE GALLERY ROUNDS``):
NumPy takes its number of threads when it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.benchmarks.timing import Spread, interleave
from headstart.runtime.errors import BackendError
from headstart.runtime.fusion.late import fuse
from headstart.runtime.heads.adapt import adapt, choose_method
from headstart.runtime.heads.arrays import one_hot
from headstart.runtime.recognition.model import AdaptedModel
from headstart.runtime.recognizer import Recognizer

SGD_STEPS = 10
SGD_RATE = 0.1
THREADS = 1
"""For both sides. The matrices are so small that a second thread gains nothing, and two libraries'
pools in one process wait for each other: medians then vary tenfold with whatever else runs."""
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class AdaptationCost:
    """Times in milliseconds, embeddings given.

    Args:
        rows: fused support rows that are adapted to; several views of a picture are several rows.
        head: what ``auto`` chose.
        adapt: fitting that head.
        refit: everything that follows an enrolment: head, unknown rule, temperature.
        torch: ten SGD steps of a torch linear layer on the same rows; None without torch.
    """

    rows: int
    head: str
    adapt: Spread
    refit: Spread
    torch: Spread | None


def measure_adaptation(bundle: Path | None, gallery: Path, *, rounds: int) -> AdaptationCost:
    """Time adaptation to what ``gallery`` holds, in a fresh process, with ``THREADS`` threads.

    Raises:
        BackendError: the process failed; its last line is in the message.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(bundle or ""), str(gallery), str(rounds)],
        env={**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(THREADS))},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BackendError(
            f"measuring adaptation failed ({last}); expected times: run"
            f" `python -m {__name__}` to see more"
        )
    fields: dict[str, Any] = json.loads(done.stdout)
    spreads = {
        name: None if fields[name] is None else Spread(**fields[name])
        for name in ("adapt", "refit", "torch")
    }
    return AdaptationCost(rows=fields["rows"], head=fields["head"], **spreads)  # type: ignore[arg-type]


def time_adaptation(bundle: Path | None, gallery: Path, rounds: int) -> AdaptationCost:
    """Time it in this process; see `measure_adaptation`."""
    with Recognizer.open(bundle, gallery, threads=1) as recognizer:
        support, dims, start = recognizer.model().support, recognizer.dims, recognizer.start
    streams = tuple(dims)
    fused = fuse(support.samples, streams, dims)
    labels = support.labels[fused.row_sample]
    hot = one_hot(labels, len(support.names), fused.rows)
    method = choose_method("auto", fused.rows.shape[0], len(support.names))
    actions: list[Callable[[], object]] = [
        lambda: adapt(method, fused.rows, hot, start, gram=fused.gram()),
        lambda: AdaptedModel(support, dims, start).prepare(),
    ]
    if util.find_spec("torch") is not None:
        actions.append(_sgd(fused.rows, labels))
    times = interleave(actions, rounds)
    return AdaptationCost(
        rows=fused.rows.shape[0],
        head=method,
        adapt=Spread.of(times[0]),
        refit=Spread.of(times[1]),
        torch=Spread.of(times[2]) if len(times) > 2 else None,
    )


def _sgd(rows: NDArray[np.float32], labels: NDArray[np.int64]) -> Callable[[], object]:
    """What people would write instead: a linear layer and cross entropy."""
    import torch

    torch.set_num_threads(THREADS)
    x, y = torch.from_numpy(rows), torch.from_numpy(labels)
    ways = int(labels.max()) + 1

    def train() -> object:
        layer = torch.nn.Linear(x.shape[1], ways)
        optimizer = torch.optim.SGD(layer.parameters(), SGD_RATE)
        for _ in range(SGD_STEPS):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(layer(x), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return layer

    return train


if __name__ == "__main__":
    _bundle, _gallery, _rounds = sys.argv[1:]
    _cost = time_adaptation(Path(_bundle) if _bundle else None, Path(_gallery), int(_rounds))
    print(json.dumps(asdict(_cost)))
