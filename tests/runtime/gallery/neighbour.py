"""One process of several that use a gallery at once; prints what it saw as one JSON object.

Run as ``python neighbour.py FILE write NAME COUNT`` or ``python neighbour.py FILE read VERSION``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.gallery.gallery import Gallery

HASHES = {"image": "1" * 64}
SHOTS = 3


def write(path: Path, name: str, count: int) -> dict[str, int]:
    """Enrol ``SHOTS`` samples ``count`` times; every fifth time forget the class first."""
    sample = Embedding(
        streams={
            "image": StreamViews(
                vectors=np.ones((4, 512), np.float32), weights=np.ones(4, np.float32)
            )
        }
    )
    changes = 0
    with Gallery.open(path, timeout_s=60) as gallery:
        for number in range(count):
            if number % 5 == 4:
                gallery.forget(name)
                changes += 1
            gallery.enroll(name, [sample] * SHOTS, HASHES)
            changes += 1
    return {"changes": changes}


def read(path: Path, until: int) -> dict[str, int]:
    """Read until the gallery is at version ``until``; count what no single change can leave."""
    seen = torn = backwards = reads = 0
    with Gallery.open(path, read_only=True, timeout_s=60) as gallery:
        while seen < until:
            snapshot = gallery.support(HASHES)
            reads += 1
            backwards += snapshot.version < seen
            seen = snapshot.version
            counted = sum(record.samples for record in snapshot.classes)
            torn += counted != len(snapshot.samples)
            torn += any(record.samples % SHOTS for record in snapshot.classes)
    return {"reads": reads, "torn": torn, "backwards": backwards}


if __name__ == "__main__":
    file, task, *rest = sys.argv[1:]
    if task == "write":
        print(json.dumps(write(Path(file), rest[0], int(rest[1]))))
    else:
        print(json.dumps(read(Path(file), int(rest[0]))))
