from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.runtime.errors import ConfigError
from headstart.runtime.live.smoothing import Settled, Smoothing, Votes, best_guess, vote

RULE = Smoothing(window=5, agree=3, release=4, gap_s=2.0)


def after(labels: str, rule: Smoothing = RULE) -> list[str]:
    """What is settled after each vote: ``?`` nothing, ``-`` unknown, else a class."""
    votes, said = Votes(), []
    for number, label in enumerate(labels):
        votes = vote(votes, None if label == "-" else label, number / 4, rule)
        said.append("?" if votes.settled is None else votes.settled.label or "-")
    return said


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        pytest.param("aaa", "??a", id="three agree"),
        pytest.param("a-aba", "????a", id="three of five agree"),
        pytest.param("---", "??-", id="unknown is an answer like any other"),
        pytest.param("---aaa", "??---a", id="a class takes over from unknown with three"),
        pytest.param("aaa---a", "??aaaaa", id="three unknowns do not end a class"),
        pytest.param("aaa----", "??aaaa-", id="four do"),
        pytest.param("aaabbb", "??aaab", id="another class takes over with three"),
        pytest.param("aaaababa", "??aaaaaa", id="single odd votes change nothing"),
        pytest.param("ab-ab-ab", "????????", id="no agreement, no answer"),
        pytest.param("aaabcbcd", "??aaaaaa", id="without agreement the last answer stays"),
    ],
)
def test_votes_settle(votes: str, settled: str) -> None:
    assert "".join(after(votes)) == settled


def test_a_hole_in_time_forgets_all_votes() -> None:
    votes = Votes()
    for time_s in (0.0, 0.25, 0.5):
        votes = vote(votes, "a", time_s, RULE)

    votes = vote(votes, "a", 2.6, RULE)

    assert votes == Votes(recent=("a",), settled=None, time_s=2.6, broken=True)


def test_a_step_back_in_time_is_a_hole_as_well() -> None:
    votes = vote(vote(Votes(), "a", 86_400.0, RULE), "a", 0.0, RULE)

    assert votes.recent == ("a",)


def test_votes_just_within_the_gap_count() -> None:
    votes = Votes()
    for time_s in (0.0, 2.0, 4.0):
        votes = vote(votes, "a", time_s, RULE)

    assert votes.settled == Settled(label="a")


def test_one_of_one_follows_every_vote() -> None:
    assert "".join(after("a-ba", Smoothing(window=1, agree=1, release=1))) == "a-ba"


@given(st.lists(st.sampled_from("ab-"), max_size=40))
def test_what_is_settled_has_always_had_its_majority(labels: list[str]) -> None:
    for end, said in enumerate(after("".join(labels)), start=1):
        windows = [labels[max(0, at - 5) : at] for at in range(1, end + 1)]
        assert said == "?" or any(window.count(said) >= 3 for window in windows)


@given(st.lists(st.sampled_from("ab-"), max_size=40))
def test_the_same_votes_always_give_the_same_answers(labels: list[str]) -> None:
    assert after("".join(labels)) == after("".join(labels))


@pytest.mark.parametrize(
    ("votes", "guess"),
    [
        pytest.param((), None, id="no vote"),
        pytest.param((None, None), Settled(label=None), id="only unknown"),
        pytest.param((None, "a"), Settled(label="a"), id="a class before unknown"),
        pytest.param(("a", "b"), Settled(label="b"), id="the later of equals"),
        pytest.param(("a", "a", "b"), Settled(label="a"), id="most votes"),
    ],
)
def test_the_best_guess_of_a_source_that_ended_early(
    votes: tuple[str | None, ...], guess: Settled | None
) -> None:
    assert best_guess(Votes(recent=votes)) == guess


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"agree": 0}, "expected 1 ≤ agree ≤ release ≤ window"),
        ({"agree": 4, "release": 3}, "expected 1 ≤ agree ≤ release ≤ window"),
        ({"release": 6}, "expected 1 ≤ agree ≤ release ≤ window"),
        ({"agree": 2}, "expected more than half of them"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(
    numbers: dict[str, int], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Smoothing(**{"window": 5, "agree": 3, "release": 4, **numbers})


@pytest.mark.parametrize("gap_s", [0.0, -1.0, float("nan")])
def test_a_gap_has_to_be_a_length_of_time(gap_s: float) -> None:
    with pytest.raises(ConfigError, match="expected more than 0"):
        Smoothing(gap_s=gap_s)


def test_by_default_a_thing_is_named_after_one_second_and_forgives_two_odd_decisions() -> None:
    assert "".join(after("aaaa", Smoothing())) == "???a"
    assert "".join(after("aa--aa", Smoothing())) == "?????a"
    assert "".join(after("aaa---", Smoothing())) == "??????"
