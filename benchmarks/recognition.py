"""How much recognition costs beyond its encoders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from headstart.benchmarks.material import thing
from headstart.benchmarks.timing import Spread, interleave
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.recognizer import Recognizer

WAYS, SHOTS = 5, 5


@dataclass(frozen=True, kw_only=True)
class RecognitionCost:
    """Times in milliseconds.

    Args:
        recognize: one sample with picture and sound, from pixels to the decision.
        encoders: the same encoder calls on ready tensors.
        over_encoders: recognize over encoders, round by round.
        encode: of each stream alone.
    """

    recognize: Spread
    encoders: Spread
    over_encoders: Spread
    encode: Mapping[str, Spread]


def measure_recognition(
    bundle: Path | None, gallery: Path, *, rounds: int, threads: int
) -> RecognitionCost:
    """Enrol five made-up things with five samples each into ``gallery``, then time recognition.

    Args:
        bundle: None is the starter bundle.
        gallery: a file to make.
        rounds: how often everything is timed.
        threads: of each encoder.
    """
    opened = load_bundle(bundle)
    encoders = open_encoders(opened, threads=threads)
    embedder = Embedder(opened.manifest.streams, encoders)
    with Recognizer(opened, embedder, Gallery.open(gallery)) as recognizer:
        for way in range(WAYS):
            recognizer.enroll(f"thing {way}", [thing(way, look) for look in range(SHOTS)])
        asked = thing(0, SHOTS)
        ready = {name: batch for name, (batch, _) in embedder.inputs(asked, "query").items()}
        calls = [partial(encoders[name].encode, batch) for name, batch in ready.items()]
        whole, *streams = interleave([partial(recognizer.recognize, asked), *calls], rounds)
    together = [sum(times) for times in zip(*streams, strict=True)]
    return RecognitionCost(
        recognize=Spread.of(whole),
        encoders=Spread.of(together),
        over_encoders=Spread.of([a / b for a, b in zip(whole, together, strict=True)]),
        encode={name: Spread.of(times) for name, times in zip(ready, streams, strict=True)},
    )
