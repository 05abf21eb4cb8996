"""One sample's answer: quality first, then recognition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from headstart.runtime.recognition.answer import Answer, unknown_because
from headstart.runtime.sample import Sample
from headstart.runtime.sources.quality import NOTHING, QUIET_DBFS, keep_usable


class Recognizes(Protocol):
    """The half of `headstart.Recognizer` that live recognition needs."""

    def recognize(self, sample: Sample) -> Answer: ...


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about one sample.

    Args:
        answer: the recogniser's, or unknown when there was nothing to see or hear.
        time_s: of the sample, seconds on its source's clock; None for stills.
        source: where it came from.
        modalities: what counted.
        left_out: modality that did not count → why, in words.
        latency_ms: from the newest part of a live sample, or from reading a recorded one, to the
            answer.
        dropped: samples of the source that were left out so far because recognition was slower.
    """

    answer: Answer
    time_s: float | None
    source: str
    modalities: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    latency_ms: float = 0.0
    dropped: int = 0


def decide(recognizer: Recognizes, sample: Sample, quiet_dbfs: float = QUIET_DBFS) -> Decision:
    """Recognise what of the sample is worth it.

    Args:
        recognizer: answers.
        sample: what there is to see and hear.
        quiet_dbfs: sound that stays below this is no event.

    Raises:
        ArtifactError: the gallery cannot be read.
    """
    usable = keep_usable(sample, quiet_dbfs)
    left = usable.sample
    answer = unknown_because(NOTHING) if left is None else recognizer.recognize(left)
    return Decision(
        answer=answer,
        time_s=sample.time_s,
        source=sample.source,
        modalities=() if left is None else left.modalities,
        left_out=usable.reasons,
    )
