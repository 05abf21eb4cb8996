"""The adapted model: any streams at enrolment, any streams in the question."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from headstart.runtime.errors import ConfigError
from headstart.runtime.fusion.late import Placed
from headstart.runtime.heads.adapt import HEADS
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.recognition.answer import Answer
from headstart.runtime.recognition.model import AdaptedModel

START = LearnedInitialization()
IMAGE, SOUND = ("image",), ("sound",)
BOTH = ("image", "sound")
PLAIN_HEADS = [head for head in HEADS if head != "prototype:learned"]
"""Those that need nothing from a bundle."""


@pytest.fixture(scope="module")
def model(dims: Any, support: Any) -> Any:
    def make(
        classes: dict[str, list[Placed]], background: list[Placed] | None = None, **options: Any
    ) -> AdaptedModel:
        return AdaptedModel(support(classes, background), dims, START, **options)

    return make


def _check(answer: Answer) -> None:
    """What holds for every answer."""
    assert answer.unknown is (answer.label is None)
    assert answer.unknown is bool(answer.reason)
    assert not math.isnan(answer.score) and answer.score < math.inf
    assert 0.0 <= answer.probability <= 1.0
    assert sum(answer.streams.values()) == pytest.approx(1.0)
    assert all(0.0 <= share <= 1.0 for share in answer.streams.values())
    values = [value for _, value in answer.top]
    assert values == sorted(values, reverse=True)
    assert sum(values) <= 1.0 + 1e-9


def test_what_was_enrolled_is_recognised_and_a_stranger_is_not(model: Any, placed: Any) -> None:
    adapted = model({name: [placed(k, t) for t in range(3)] for k, name in enumerate("abcde")})
    for kind, name in enumerate("abcde"):
        answer = adapted.answer(placed(kind, 10))
        assert (answer.label, answer.unknown, answer.reason) == (name, False, "")
        assert answer.top[0] == (name, answer.probability)
        assert set(answer.streams) == {"image", "sound", "speech"}
        _check(answer)
    stranger = adapted.answer(placed(99))
    assert (stranger.label, stranger.reason) == (None, "nothing enrolled is close enough")
    assert stranger.score < 0 and len(stranger.top) == 5


def test_with_nothing_enrolled_everything_is_unknown(model: Any, placed: Any) -> None:
    adapted = model({}, [placed(3)])
    adapted.prepare()
    answer = adapted.answer(placed(0, 0, *BOTH))
    assert (answer.label, answer.unknown, answer.probability) == (None, True, 0.0)
    assert answer.reason == "nothing is enrolled yet"
    assert answer.streams == {"image": 0.5, "sound": 0.5}
    assert (answer.top, answer.score) == ((), -math.inf)


def test_enrolled_by_picture_and_asked_by_sound_is_unknown_for_that_reason(
    model: Any, placed: Any
) -> None:
    answer = model({"mug": [placed(0, 0, "image")]}).answer(placed(0, 1, "sound", "speech"))
    assert (answer.label, answer.unknown, answer.probability) == (None, True, 0.0)
    assert answer.reason == "the query has only sound, speech, which nothing enrolled has"
    assert answer.streams == {"sound": 0.5, "speech": 0.5}


@pytest.mark.parametrize("streams", [IMAGE, SOUND, BOTH], ids="+".join)
def test_a_query_may_lack_streams_that_were_enrolled(
    model: Any, placed: Any, streams: tuple[str, ...]
) -> None:
    adapted = model({name: [placed(k, t) for t in range(3)] for k, name in enumerate("abc")})
    answer = adapted.answer(placed(1, 7, *streams))
    assert answer.label == "b"
    assert tuple(answer.streams) == streams


def test_a_query_with_part_of_the_streams_is_answered_as_if_only_those_were_enrolled(
    model: Any, placed: Any
) -> None:
    whole = model({name: [placed(k, t) for t in range(2)] for k, name in enumerate("abc")})
    part = model({name: [placed(k, t, *SOUND) for t in range(2)] for k, name in enumerate("abc")})
    query = placed(2, 7, *SOUND)
    assert whole.answer(query) == part.answer(query)


def test_streams_that_nothing_enrolled_has_change_nothing(model: Any, placed: Any) -> None:
    adapted = model(
        {name: [placed(k, t, *SOUND) for t in range(2)] for k, name in enumerate("abc")}
    )
    whole, part = placed(1, 7), placed(1, 7, *SOUND)
    assert adapted.answer(whole) == adapted.answer(part)


@pytest.fixture(scope="module")
def mixed(model: Any, placed: Any) -> AdaptedModel:
    """Two classes only seen, two only heard, two both: three spaces for a query with both."""
    streams = [IMAGE, SOUND, BOTH] * 2
    classes = {
        name: [placed(k, t, *streams[k]) for t in range(4)] for k, name in enumerate("abcdef")
    }
    adapted: AdaptedModel = model(classes)
    return adapted


@pytest.mark.parametrize("kind", range(6))
def test_a_mixed_gallery_compares_each_class_in_the_streams_it_has(
    mixed: AdaptedModel, placed: Any, kind: int
) -> None:
    answer = mixed.answer(placed(kind, 12, *BOTH))
    assert answer.label == "abcdef"[kind]
    assert tuple(answer.streams) == [IMAGE, SOUND, BOTH][kind % 3]
    _check(answer)


def test_each_class_is_accepted_in_its_own_space(mixed: AdaptedModel, placed: Any) -> None:
    """The margin of an answer is that of the space in which its class is compared."""
    queries = [placed(kind, 30, *BOTH) for kind in range(30)]
    scores = mixed.score(queries)
    positions = {IMAGE: [0, 3], SOUND: [1, 4], BOTH: [2, 5]}
    assert {space.streams for _, space in scores.subspaces} == set(positions)
    for i, best in enumerate(scores.probability.argmax(axis=1)):
        ((rows, space),) = [
            (rows, space) for rows, space in scores.subspaces if best in positions[space.streams]
        ]
        column = [int(np.searchsorted(space.classes, p)) for p in positions[space.streams]]
        closeness = space.rule.scale.closeness(rows[i : i + 1])[:, column]
        margin = space.rule.score(rows[i : i + 1], closeness)[0] - space.rule.threshold
        assert scores.known[i] == pytest.approx(margin)


def test_a_class_whose_samples_have_different_streams_answers_to_either(
    model: Any, placed: Any
) -> None:
    classes = {
        name: [
            placed(k, 0, "image"),
            placed(k, 1, "image"),
            placed(k, 2, *BOTH),
            placed(k, 3, *BOTH),
        ]
        for k, name in enumerate("abc")
    }
    adapted = model(classes)
    for streams in (IMAGE, SOUND, BOTH):
        answer = adapted.answer(placed(1, 20, *streams))
        assert (answer.label, tuple(answer.streams)) == ("b", streams)


def test_probability_is_shared_among_all_classes_that_can_be_compared(
    mixed: AdaptedModel, placed: Any
) -> None:
    heard = mixed.score([placed(1, 9, "sound")])
    assert heard.probability.sum() == pytest.approx(1.0)
    assert heard.probability[0, [0, 3]].tolist() == [0.0, 0.0]
    assert np.isneginf(heard.head[0, [0, 3]]).all()


def test_a_batch_is_answered_like_its_queries_one_by_one(mixed: AdaptedModel, placed: Any) -> None:
    queries = [placed(kind, 5, *BOTH) for kind in range(8)]
    batch = mixed.score(queries)
    for i, query in enumerate(queries):
        one = mixed.score([query])
        np.testing.assert_allclose(one.probability[0], batch.probability[i], atol=1e-5)
        assert one.known[0] == pytest.approx(batch.known[i], abs=1e-5)


def test_queries_without_a_shared_stream_score_as_unknown(model: Any, placed: Any) -> None:
    scores = model({"a": [placed(0, 0, "image")]}).score([placed(0, 1, "sound")] * 2)
    assert scores.known.tolist() == [-math.inf] * 2
    assert scores.probability.tolist() == [[0.0], [0.0]]


def test_only_the_first_view_of_a_query_counts(model: Any, placed: Any) -> None:
    adapted = model({name: [placed(k)] for k, name in enumerate("abc")})
    query = placed(1, 4)
    assert adapted.answer(query) == adapted.answer(query.first())


def test_the_same_support_gives_bit_identical_answers(model: Any, placed: Any) -> None:
    classes = {name: [placed(k, t) for t in range(3)] for k, name in enumerate("abcd")}
    first, second = model(classes, [placed(50)]), model(classes, [placed(50)])
    for kind in range(6):
        assert first.answer(placed(kind, 9)) == second.answer(placed(kind, 9))


def test_what_was_asked_before_changes_nothing(model: Any, placed: Any) -> None:
    classes = {name: [placed(k, t) for t in range(2)] for k, name in enumerate("abc")}
    asked, fresh = model(classes), model(classes)
    for streams in (IMAGE, SOUND, BOTH):
        asked.answer(placed(2, 3, *streams))
    assert asked.answer(placed(1, 3)) == fresh.answer(placed(1, 3))


@pytest.mark.parametrize("head", PLAIN_HEADS)
def test_every_head_recognises(dims: Any, support: Any, placed: Any, head: str) -> None:
    given = support({name: [placed(k, t) for t in range(3)] for k, name in enumerate("abcd")})
    adapted = AdaptedModel(given, dims, START, head=head)
    for kind, name in enumerate("abcd"):
        answer = adapted.answer(placed(kind, 10))
        assert answer.label == name
        _check(answer)


def test_an_unknown_head_is_refused(model: Any) -> None:
    with pytest.raises(ConfigError, match="there is no head 'magic'"):
        model({}, head="magic")


@pytest.mark.parametrize("shots", [(1, 3, 2, 2), (1,) * 4], ids=["unequal", "one"])
def test_the_order_of_shots_and_classes_does_not_matter(
    model: Any, placed: Any, shots: tuple[int, ...]
) -> None:
    classes = {n: [placed(k, t) for t in range(shots[k])] for k, n in enumerate("abcd")}
    turned = {name: samples[::-1] for name, samples in reversed(list(classes.items()))}
    around = [placed(k) for k in (20, 21, 22)]
    plain, other = model(classes, around), model(turned, around[::-1])
    for kind in range(6):
        a, b = plain.answer(placed(kind, 11)), other.answer(placed(kind, 11))
        assert (a.label, a.reason, a.calibrated) == (b.label, b.reason, b.calibrated)
        assert a.score == pytest.approx(b.score, abs=2e-5)
        assert dict(a.top) == pytest.approx(dict(b.top), abs=2e-4)
        assert a.streams == pytest.approx(b.streams, abs=1e-4)


def test_trust_in_a_stream_is_relative(model: Any, placed: Any) -> None:
    def trusted(sample: Placed, times: float) -> Placed:
        weights = {s: times * (k + 1.0) for k, s in enumerate(sample.points)}
        return Placed(points=sample.points, weights=weights)

    def ask(times: float) -> Any:
        classes = {
            name: [trusted(placed(k, t), times) for t in range(2)] for k, name in enumerate("abc")
        }
        return model(classes).answer(trusted(placed(1, 8), 3 * times))

    assert ask(1.0).score == pytest.approx(ask(7.0).score, abs=1e-5)
    assert ask(1.0).streams == pytest.approx(ask(7.0).streams, abs=1e-5)


@pytest.mark.parametrize("ways", [1, 2])
def test_few_classes_are_answered_and_marked_as_not_calibrated(
    model: Any, placed: Any, ways: int
) -> None:
    adapted = model({name: [placed(k, t) for t in range(4)] for k, name in enumerate("ab"[:ways])})
    own, other = adapted.answer(placed(0, 9)), adapted.answer(placed(77))
    assert (own.label, other.label) == ("a", None)
    assert (own.calibrated, other.calibrated) == (False, False)
    assert own.probability == pytest.approx(1.0, abs=0.2)


def test_a_thousand_classes_are_fitted_and_answered_fast(
    dims: Any, support: Any, placed: Any
) -> None:
    given = support({str(k): [placed(k, t, "image") for t in range(2)] for k in range(1000)})
    adapted = AdaptedModel(given, dims, START)
    begun = time.perf_counter()
    adapted.prepare()
    answers = [adapted.answer(placed(k, 5, "image")) for k in range(0, 1000, 100)]
    assert time.perf_counter() - begun < 10.0
    for answer in answers:
        _check(answer)
    assert len(answers[0].top) == 5


@pytest.mark.parametrize("things", [1, 2])
def test_one_background_thing_pulls_what_is_like_it_to_unknown(
    model: Any, placed: Any, things: int
) -> None:
    classes = {name: [placed(k, t) for t in range(3)] for k, name in enumerate("abc")}
    around = [placed(30 + i) for i in range(things)]
    plain, known = model(classes), model(classes, around)
    assert known.answer(placed(1, 9)).label == "b"
    near = placed(30, 5)
    drop = known.answer(near).score - plain.answer(near).score
    elsewhere = known.answer(placed(60)).score - plain.answer(placed(60)).score
    assert drop < elsewhere


@pytest.mark.parametrize("head", PLAIN_HEADS)
@pytest.mark.parametrize("ways", [1, 2, 3])
def test_identical_samples_never_give_a_nan(
    dims: Any, support: Any, placed: Any, head: str, ways: int
) -> None:
    same = placed(0)
    given = support({name: [same, same] for name in "abc"[:ways]}, [same])
    adapted = AdaptedModel(given, dims, START, head=head)
    for query in (same, placed(1)):
        _check(adapted.answer(query))


def _zero(sample: Placed) -> Placed:
    points = {s: np.zeros_like(z) for s, z in sample.points.items()}
    return Placed(points=points, weights=sample.weights)


def test_an_embedding_of_nothing_but_zeros_is_unknown_and_harmless(model: Any, placed: Any) -> None:
    classes = {name: [placed(k, t) for t in range(2)] for k, name in enumerate("abc")}
    answer = model(classes).answer(_zero(placed(0)))
    assert answer.label is None
    _check(answer)
    classes["d"] = [_zero(placed(0))]
    _check(model(classes).answer(placed(0, 5)))


SOME_STREAMS = st.sampled_from([IMAGE, SOUND, BOTH, ("speech",), ("image", "speech"), ()])


@settings(max_examples=60)
@drawn(
    classes=st.lists(st.lists(SOME_STREAMS, min_size=1, max_size=3), max_size=5),
    background=st.lists(SOME_STREAMS, max_size=4),
    asked=SOME_STREAMS,
    head=st.sampled_from(PLAIN_HEADS),
    kind=st.integers(0, 7),
)
def test_any_pattern_of_streams_gives_a_sound_answer(
    model: Any,
    placed: Any,
    classes: list[list[tuple[str, ...]]],
    background: list[tuple[str, ...]],
    asked: tuple[str, ...],
    head: str,
    kind: int,
) -> None:
    adapted = model(
        {
            str(k): [placed(k, take, *streams) for take, streams in enumerate(samples)]
            for k, samples in enumerate(classes)
        },
        [placed(50 + i, 0, *streams) for i, streams in enumerate(background)],
        head=head,
    )
    adapted.prepare()
    _check(adapted.answer(placed(kind, 40, *asked)))
