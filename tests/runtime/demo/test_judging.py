from __future__ import annotations

import pytest

from headstart.runtime.demo.judging import Count, Span, Verdict, count_right, judge, spans_of
from headstart.runtime.demo.performance import Performance
from headstart.runtime.demo.storyboard import Segment
from headstart.runtime.live.events import Event


def segment(start_s: float, end_s: float, label: str | None, kind: str) -> Segment:
    return Segment.model_validate(
        {
            "start_s": start_s,
            "end_s": end_s,
            "class": label,
            "kind": kind,
            "thing": "a thing",
            "modalities": (),
            "covered": False,
            "view": {},
        }
    )


ENROLLED = segment(1, 4, "mug", "enrolled")
GAP = segment(4, 6, None, "nothing")
STRANGE = segment(6, 9, None, "never enrolled")


def span(label: str | None, start_s: float, end_s: float) -> Span:
    return Span(label=label, start_s=start_s, end_s=end_s, sure=0.8, streams={"image": 1.0})


def verdicts(*spans: Span) -> tuple[Verdict, ...]:
    return judge((ENROLLED, GAP, STRANGE), spans)


def test_its_own_name_and_no_other_is_right() -> None:
    mug, gap, strange = verdicts(span("mug", 2, 4.5), span(None, 4.5, 9))

    assert mug.right and gap.right and strange.right
    assert mug.said == ("mug",)
    assert mug.share == pytest.approx(2 / 3)
    assert mug.sure == 0.8
    assert strange.share == 1.0


def test_no_name_is_wrong_for_what_was_enrolled() -> None:
    mug, *_ = verdicts(span(None, 0, 9))

    assert not mug.right
    assert mug.said == ()


def test_another_name_beside_its_own_is_wrong() -> None:
    mug, *_ = verdicts(span("bell", 1.5, 2), span("mug", 2, 4))

    assert not mug.right
    assert mug.said == ("bell", "mug")


def test_a_name_for_what_was_never_enrolled_is_wrong() -> None:
    *_, strange = verdicts(span("mug", 2, 4), span("bell", 7, 8))

    assert not strange.right
    assert strange.said == ("bell",)


def test_a_name_said_late_counts_for_the_thing_and_not_for_the_gap() -> None:
    mug, gap, _ = verdicts(span("mug", 4.5, 5))

    assert mug.right and gap.right


def test_a_name_said_in_a_gap_counts_against_the_gap() -> None:
    mug, gap, _ = verdicts(span("mug", 5, 5.5))

    assert not mug.right and not gap.right


def test_a_name_that_only_lasts_into_a_segment_is_not_said_in_it() -> None:
    *_, strange = verdicts(span("mug", 2, 7))

    assert strange.right


def test_shares_are_counted_by_kind_against_their_goals(performance: Performance) -> None:
    counts = count_right(performance.verdicts)

    assert counts["enrolled"] == Count(right=2, of=2, goal=0.95)
    assert counts["never enrolled"] == Count(right=1, of=1, goal=0.90)
    assert counts["nothing"] == Count(right=3, of=3, goal=0.0)
    assert performance.reached


@pytest.mark.parametrize(
    ("right", "of", "reached"), [(19, 20, True), (18, 20, False), (0, 0, True)]
)
def test_a_goal_is_reached_at_its_share(right: int, of: int, reached: bool) -> None:
    assert Count(right=right, of=of, goal=0.95).reached is reached


def test_lines_of_one_event_become_one_span() -> None:
    def line(kind: str, time_s: float, probability: float, image: float) -> Event:
        return Event(
            type=kind,  # type: ignore[arg-type]
            id="7",
            time_s=time_s,
            source="",
            label="mug",
            score=1.0,
            probability=probability,
            unknown=False,
            streams={"image": image, "sound": 1 - image},
            top=(),
            latency_ms=0.0,
            dropped=0,
        )

    (found,) = spans_of(
        [line("new", 1, 0.5, 1.0), line("update", 2, 0.75, 0.5), line("end", 3, 0.5, 0.0)]
    )

    assert found == Span(
        label="mug", start_s=1, end_s=3, sure=0.75, streams={"image": 0.5, "sound": 0.5}
    )
