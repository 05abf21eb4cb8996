"""Kills a process that changes a gallery, again and again, and looks at what is left.

Run as ``python crash_loop.py FILE SEED ROUNDS``; prints one JSON object. Each round forks a process
that changes the gallery without pause and reports each change when it is done, kills it with
SIGKILL after a random time, and opens the file again. The changes follow from the seed and the
version alone, so a second gallery that is never killed says what every version must hold.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np

from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.gallery.records import Media

HASHES = {"image": "1" * 64}


def change(gallery: Gallery, seed: int) -> None:
    """Make the one change that ``seed`` and the current content ask for."""
    version = gallery.version
    rng = random.Random(f"{seed}/{version}")
    names = [record.name for record in gallery.classes()]
    kind = rng.choice(
        ["enroll", "enroll", "more", "negative", "rename", "forget", "sample", "back"]
    )
    if kind == "back" and version > 3:
        gallery.rollback(version - rng.randint(1, 3))
    elif kind == "enroll" and len(names) < 8 or not names:
        gallery.enroll(f"class {version}", _samples(rng), HASHES, [[_picture(rng)]] * 3)
    elif kind == "more":
        gallery.enroll(rng.choice(names), _samples(rng), HASHES)
    elif kind == "negative":
        gallery.add_negative(_samples(rng), HASHES, name=rng.choice(names))
    elif kind == "rename":
        gallery.rename(rng.choice(names), f"renamed {version}")
    elif kind == "sample":
        gallery.forget_sample(rng.choice([sample.id for sample in gallery.samples()]))
    else:
        gallery.forget(rng.choice(names))
    assert gallery.version == version + 1


def _samples(rng: random.Random) -> list[Embedding]:
    return [
        Embedding(
            streams={
                "image": StreamViews(
                    vectors=np.full((2, 256), rng.randrange(2048), np.float32),
                    weights=np.ones(2, np.float32),
                )
            }
        )
        for _ in range(3)
    ]


def _picture(rng: random.Random) -> Media:
    return Media(kind="image/jpeg", data=rng.randbytes(3000))


def _work(path: Path, seed: int, report: int) -> None:
    with Gallery.open(path) as gallery:
        while True:
            change(gallery, seed)
            os.write(report, gallery.version.to_bytes(4, "big"))


def _killed_round(path: Path, seed: int, delay_s: float) -> int | None:
    """Let a process work for ``delay_s``, kill it, and return the last version that it reported."""
    reading, writing = os.pipe()
    worker = os.fork()
    if worker == 0:
        os.close(reading)
        try:
            _work(path, seed, writing)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(delay_s)
    os.kill(worker, signal.SIGKILL)
    _, status = os.waitpid(worker, 0)
    reports = b""
    while chunk := os.read(reading, 65536):
        reports += chunk
    os.close(reading)
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        raise RuntimeError("the working process stopped before it was killed")
    return int.from_bytes(reports[-4:], "big") if reports else None


def main(path: Path, seed: int, rounds: int) -> dict[str, object]:
    """Kill ``rounds`` times and count what was found; see the keys."""
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    version = 0
    ticks = count()
    with Gallery.open(path.with_name("reference"), clock=lambda: float(next(ticks))) as reference:
        for _ in range(rounds):
            reported = _killed_round(path, seed, rng.uniform(0.0, 0.04))
            with Gallery.open(path) as gallery:
                now, digest = gallery.version, gallery.support(HASHES).digest()
            with closing(sqlite3.connect(path)) as db:
                found["damaged"] += db.execute("PRAGMA integrity_check").fetchone() != ("ok",)
                found["damaged"] += db.execute("PRAGMA foreign_key_check").fetchone() is not None
            promised = version if reported is None else reported
            found["lost"] += now < promised
            found["unasked"] += now > promised + 1
            found["unreported"] += now == promised + 1
            found["changes"] += now - version
            while reference.version < now:
                change(reference, seed)
            found["half-applied"] += reference.support(HASHES).digest() != digest
            version = now
    return {"rounds": rounds, **found}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
