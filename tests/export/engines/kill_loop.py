"""Build, die, look, again: started by test_session.py, prints what it saw as JSON.

Children are forked from a process that has imported everything, so that the random moments fall
into the build and not into Python's start.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from headstart.export.engines.listing import list_engines
from headstart.export.engines.request import engine_requests
from headstart.export.engines.session import BuildSession
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.device_config import load_device
from headstart.runtime.engines.store import EngineStore
from headstart.runtime.engines.target import find_target
from headstart.runtime.engines.tensorrt_api import open_tensorrt


def main(folder: Path, kills: int, streams: list[str]) -> dict[str, Any]:
    bundle, store, api = load_bundle(), EngineStore(folder), open_tensorrt("tensorrt_rtx")
    target = find_target(api)
    device = load_device("x86-cuda")
    requests = engine_requests(bundle, device, target, streams=streams)
    moments = random.Random(4)
    started = time.monotonic()
    in_child(lambda: BuildSession(bundle, store, api).run(requests, force=True), None)
    whole_s = time.monotonic() - started
    seen: dict[str, int] = {}
    damaged = killed = 0
    while killed < kills:
        if moments.random() < 0.5:
            shutil.rmtree(folder, ignore_errors=True)  # else: built over what is there
        delay_s = moments.uniform(0.0, whole_s)
        if in_child(lambda: BuildSession(bundle, store, api).run(requests, force=True), delay_s):
            killed += 1
        damaged += sum(not store.is_whole(record) for record in store.records())
        for line in list_engines(store, bundle, target):
            seen[line.state] = seen.get(line.state, 0) + 1
    states = BuildSession(bundle, store, api).run(requests)
    return {
        "killed": killed,
        "damaged": damaged,
        "seen": seen,
        "at_the_end": [state.state for state in states],
        "whole": [store.is_whole(record) for record in store.records()],
        "parts": [path.name for path in folder.glob("*.part")],
    }


def in_child(work: Any, delay_s: float | None) -> bool:
    """Run in a child; kill it after ``delay_s``. Whether it was killed before it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    if delay_s is not None:
        time.sleep(delay_s)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
