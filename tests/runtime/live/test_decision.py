from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headstart.runtime.live.decision import decide
from headstart.runtime.recognition.answer import Answer
from headstart.runtime.sample import AudioClip, Frame, Sample


class NeverAsked:
    """Must not be asked."""

    def recognize(self, sample: Sample) -> Answer:
        raise AssertionError("there was nothing to recognise")


def test_only_what_is_worth_it_is_recognised(
    recognizer: object, shown: Callable[..., Sample]
) -> None:
    decision = decide(recognizer, shown(100, 1.5))  # type: ignore[arg-type]

    assert decision.answer.label == "mug"
    assert decision.modalities == ("image",)
    assert decision.left_out == {"audio": "nothing is louder than -55 dBFS"}
    assert (decision.time_s, decision.source) == (1.5, "clip.mp4")


def test_where_there_is_nothing_to_see_or_hear_the_answer_is_unknown() -> None:
    black = Sample(
        image=Frame(pixels=np.zeros((48, 64, 3), np.uint8)),
        audio=AudioClip(samples=np.zeros(16_000, np.float32)),
    )

    decision = decide(NeverAsked(), black)

    assert decision.answer.unknown
    assert decision.answer.reason == "nothing to see or hear"
    assert decision.answer.streams == {}
    assert decision.modalities == ()
