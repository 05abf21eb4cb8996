"""A small performance made by hand: three things shown, two of them enrolled."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.runtime.demo.judging import Span, judge
from headstart.runtime.demo.performance import Enrolled, Look, Performance
from headstart.runtime.demo.storyboard import Segment
from headstart.runtime.demo.thumbnail import jpeg_data_uri


def make_segment(
    start_s: float, end_s: float, label: str | None, kind: str, *modalities: str, thing: str = ""
) -> Segment:
    return Segment.model_validate(
        {
            "start_s": start_s,
            "end_s": end_s,
            "class": label,
            "kind": kind,
            "thing": thing or label or kind,
            "modalities": modalities,
            "covered": False,
            "view": {"image": "another photograph"} if label else {},
        }
    )


def make_span(label: str | None, start_s: float, end_s: float) -> Span:
    streams = {"image": 0.6, "sound": 0.4}
    return Span(label=label, start_s=start_s, end_s=end_s, sure=0.9, streams=streams)


SEGMENTS = (
    make_segment(0, 2, "mug", "enrolled", "image", thing="a <blue> mug"),
    make_segment(2, 3, None, "nothing"),
    make_segment(3, 5, None, "never enrolled", "image", "audio", thing="a hammer & nails"),
    make_segment(5, 6, None, "nothing"),
    make_segment(6, 8, "bell", "enrolled", "audio"),
    make_segment(8, 9, None, "nothing"),
)
SPANS = (
    make_span("mug", 0.75, 2.5),
    make_span(None, 2.5, 6.75),
    make_span("bell", 6.75, 9.0),
)


@pytest.fixture
def performance() -> Performance:
    picture = jpeg_data_uri(np.full((30, 40, 3), 128, np.uint8))
    streams = {"image": 0.6, "sound": 0.4}
    return Performance(
        enrolled=tuple(
            Enrolled(
                name=name,
                thing=f"a {name}",
                samples=5,
                modalities=modalities,
                took_ms=120.0,
                thumbnail=picture if "image" in modalities else "",
            )
            for name, modalities in (("mug", ("image",)), ("bell", ("audio",)))
        ),
        background_things=7,
        adapt_ms=3.2,
        looks=tuple(
            Look(
                time_s=number / 4,
                label="mug" if 3 <= number <= 8 else None,
                score=0.1,
                streams=streams,
                latency_ms=float(number),
            )
            for number in range(1, 37)
        ),
        spans=SPANS,
        verdicts=judge(SEGMENTS, SPANS),
        thumbnails=tuple(picture if "image" in s.modalities else "" for s in SEGMENTS),
        duration_s=9.0,
        seconds=1.5,
    )
