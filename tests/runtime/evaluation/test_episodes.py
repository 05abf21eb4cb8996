from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.runtime.errors import ConfigError
from headstart.runtime.evaluation.episodes import Episode, draw_episodes, usable_classes

SHOP = {name: [f"{i:03d}" for i in range(24)] for name in "abcdefghij"}
SPEAKERS = {
    digit: [f"{who}-{i}" for who in ("alice", "bob") for i in range(4)] for digit in ("0", "1", "2")
}


def draw(classes: Any = SHOP, **changes: Any) -> list[Episode]:
    asked: dict[str, Any] = dict(ways=5, shots=1, queries=10, episodes=3, seed=0)
    return draw_episodes(classes, **(asked | changes))


def test_an_episode_holds_what_was_asked_for() -> None:
    (episode,) = draw(shots=3, unknown_ways=2, episodes=1)

    assert [len(known.support) for known in episode.known] == [3] * 5
    assert [len(known.queries) for known in episode.known] == [10] * 5
    assert [len(unknown.queries) for unknown in episode.unknown] == [10] * 2


def test_the_yardstick_has_not_moved() -> None:
    (episode,) = draw({"a": list("xyz"), "b": list("xyz"), "c": list("xyz")}, ways=2, episodes=1)

    # Another NumPy whose shuffles differ would move every figure ever published.
    drawn = [(known.name, known.support, known.queries) for known in episode.known]
    assert drawn == [("a", (2,), (1, 0)), ("b", (0,), (2, 1))]


def test_an_episode_does_not_depend_on_how_many_are_drawn() -> None:
    assert draw(episodes=7)[:3] == draw(episodes=3)


def test_episodes_and_seeds_differ() -> None:
    first, second, _ = draw()

    assert first.known != second.known
    assert first.known != draw(seed=1)[0].known


def test_the_order_of_classes_and_samples_does_not_matter() -> None:
    backwards = {name: SHOP[name][::-1] for name in reversed(SHOP)}

    def stems(episode: Episode, classes: dict[str, list[str]]) -> list[list[str]]:
        return [
            [classes[known.name][i] for i in (*known.support, *known.queries)]
            for known in episode.known
        ]

    assert stems(draw()[0], SHOP) == stems(draw(backwards)[0], backwards)


def test_unknown_ways_leave_the_known_part_as_it_was() -> None:
    plain, with_unknown = draw(), draw(unknown_ways=5)

    assert [e.known for e in with_unknown] == [e.known for e in plain]


def test_more_ways_and_shots_add_to_what_fewer_drew() -> None:
    few, many = draw()[0], draw(ways=8, shots=5)[0]

    for small, large in zip(few.known, many.known[:5], strict=True):
        assert small.name == large.name
        assert small.support == large.support[:1]
        assert small.queries == large.queries


def test_a_class_too_small_for_more_shots_does_not_reorder_the_others() -> None:
    classes = SHOP | {"e": ["000", "001"]}
    one, five = draw(classes, ways=9)[0], draw(classes, ways=9, shots=5)[0]

    rest = [known.name for known in one.known if known.name != "e"]
    assert [known.name for known in five.known][: len(rest)] == rest


def test_queries_are_capped_by_what_a_class_has() -> None:
    classes = {"big": [str(i) for i in range(30)], "small": ["x", "y", "z"]}
    (episode,) = draw(classes, ways=2, episodes=1)

    assert {known.name: len(known.queries) for known in episode.known} == {"big": 10, "small": 2}


def test_a_class_without_enough_samples_is_left_out() -> None:
    classes = SHOP | {"tiny": ["000"], "none": []}

    assert usable_classes(classes, shots=1) == tuple("abcdefghij")
    assert all(known.name in SHOP for e in draw(classes, ways=10) for known in e.known)


def test_unknown_queries_may_be_any_sample_of_their_class() -> None:
    classes = {"a": ["x", "y", "z"], "b": ["x", "y", "z"]}
    (episode,) = draw(classes, ways=1, unknown_ways=1, shots=2, episodes=1)

    assert sorted(episode.unknown[0].queries) == [0, 1, 2]


def test_matching_samples_are_only_support_and_all_others_only_queries() -> None:
    for episode in draw(SPEAKERS, ways=2, unknown_ways=1, support_glob="alice*"):
        for known in episode.known:
            assert set(known.support) < {0, 1, 2, 3}
            assert set(known.queries) == {4, 5, 6, 7}
        assert set(episode.unknown[0].queries) == {4, 5, 6, 7}


def test_a_class_whose_samples_all_match_is_left_out() -> None:
    classes = SPEAKERS | {"3": ["alice-0", "alice-1"], "4": ["bob-0", "bob-1"]}

    assert usable_classes(classes, shots=1, support_glob="alice*") == ("0", "1", "2")


@pytest.mark.parametrize("option", ["ways", "shots", "queries", "episodes"])
def test_numbers_below_one_are_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=f"--{option} was 0; expected 1 or more"):
        draw(**{option: 0})


@pytest.mark.parametrize(
    ("option", "name"), [("seed", "--seed"), ("unknown_ways", "--unknown-ways")]
)
def test_negative_numbers_are_refused(option: str, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} was -1; expected 0 or more"):
        draw(**{option: -1})


def test_too_many_ways_are_refused_with_what_there_is() -> None:
    message = (
        r"--ways 8 and --unknown-ways 5 need 13 classes with at least 1 \+ 1 samples each; found 10"
        r" such classes among 11 \(the largest holds 24 samples\)"
    )
    with pytest.raises(ConfigError, match=message):
        draw(SHOP | {"tiny": ["x"]}, ways=8, unknown_ways=5)


def test_too_many_shots_are_refused_with_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"5 classes with at least 24 \+ 1 samples.*found 0 such"):
        draw(shots=24)


def test_no_class_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"found 0 such classes among 0 .*holds 0 samples"):
        draw({})


def test_too_few_matching_samples_name_the_pattern() -> None:
    message = r"at least 5 samples matching 'alice\*' and 1 other each; found 0"
    with pytest.raises(ConfigError, match=message):
        draw(SPEAKERS, ways=2, shots=5, support_glob="alice*")


@pytest.mark.parametrize(("glob", "share"), [("carol*", "no"), ("*", "every")])
def test_a_pattern_that_splits_nothing_is_refused_with_an_example(glob: str, share: str) -> None:
    with pytest.raises(ConfigError, match=rf"{share} sample of 24; .* looks like 'alice-0'"):
        draw(SPEAKERS, ways=2, support_glob=glob)


@given(
    sizes=st.lists(st.integers(0, 9), min_size=2, max_size=9),
    shots=st.integers(1, 4),
    queries=st.integers(1, 6),
    seed=st.integers(0, 2**40),
)
def test_no_sample_is_used_twice_and_no_class_is_both_known_and_unknown(
    sizes: list[int], shots: int, queries: int, seed: int
) -> None:
    classes = {f"c{i}": [f"s{j}" for j in range(size)] for i, size in enumerate(sizes)}
    usable = usable_classes(classes, shots=shots)
    if len(usable) < 2:
        with pytest.raises(ConfigError, match="found"):
            draw(classes, ways=1, unknown_ways=1, shots=shots, queries=queries, seed=seed)
        return
    ways = len(usable) - 1

    for episode in draw(
        classes, ways=ways, unknown_ways=1, shots=shots, queries=queries, seed=seed
    ):
        names = [known.name for known in episode.known]
        names += [unknown.name for unknown in episode.unknown]
        assert sorted(names) == sorted(usable)
        for known in episode.known:
            drawn = (*known.support, *known.queries)
            assert len(set(drawn)) == len(drawn)
            assert set(drawn) <= set(range(len(classes[known.name])))
            assert len(known.queries) == min(queries, len(classes[known.name]) - shots)
