"""Episodes are what the plan says, the same for the same seed, and never give the answer away."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.errors import ConfigError
from headstart.training.episodes.batch import ABSENT, UNKNOWN, EpisodeBatch
from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.table import EmbeddingTable


def draw(table: EmbeddingTable, *place: int, seed: int = 3, **keys: Any) -> EpisodeBatch:
    plan = EpisodePlan.model_validate({"ways": [5], "shots": [2], **keys})
    return EpisodeSampler(table=table, plan=plan, seed=seed).batch(12, *place)


def rows_of(batch: EpisodeBatch, side: str) -> NDArray[np.int64]:
    """All table rows of one side, ``(episodes, rows)``; absent modalities stay −1."""
    array: NDArray[np.int64] = getattr(batch, side)
    return array.reshape(len(batch), -1)


def test_the_same_seed_and_place_give_the_same_batch(toy_table: EmbeddingTable) -> None:
    first, again = draw(toy_table, 4, 1), draw(toy_table, 4, 1)

    np.testing.assert_array_equal(first.support, again.support)
    np.testing.assert_array_equal(first.queries, again.queries)
    assert first.class_names == again.class_names


@pytest.mark.parametrize(("place", "seed"), [((4, 2), 3), ((5, 1), 3), ((4, 1), 9)])
def test_another_place_or_seed_gives_another_batch(
    toy_table: EmbeddingTable, place: tuple[int, ...], seed: int
) -> None:
    assert draw(toy_table, 4, 1).class_names != draw(toy_table, *place, seed=seed).class_names


def test_a_batch_has_the_shape_that_the_plan_says(toy_table: EmbeddingTable) -> None:
    batch = draw(toy_table, queries=3)

    assert (batch.ways, batch.support.shape, batch.queries.shape) == (5, (12, 10, 2), (12, 15, 2))
    assert batch.support_labels[0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert batch.query_labels[0].tolist() == sorted([0, 1, 2, 3, 4] * 3)


def test_labels_are_the_rows_own_classes(toy_table: EmbeddingTable) -> None:
    batch = draw(toy_table)

    for episode, names in enumerate(batch.class_names):
        held = batch.support[episode].max(axis=1)
        called = [names[label] for label in batch.support_labels[episode]]
        assert toy_table.class_name[held].tolist() == called
        assert len(set(names)) == 5


def test_no_recording_is_on_both_sides(toy_table: EmbeddingTable) -> None:
    batch = draw(toy_table, queries=4)

    for episode in range(len(batch)):
        support = set(toy_table.item[batch.support[episode].max(axis=1)].tolist())
        assert not support & set(toy_table.item[batch.queries[episode].max(axis=1)].tolist())


def test_with_condition_takes_one_recording_may_be_on_both_sides_but_no_row(
    toy_table: EmbeddingTable,
) -> None:
    single = toy_table.where(np.char.endswith(toy_table.variant, "0") & (toy_table.item % 6 < 3))

    batch = draw(single, takes="condition", shots=[1], queries=1)

    for episode in range(len(batch)):
        assert not set(rows_of(batch, "support")[episode]) & set(
            rows_of(batch, "queries")[episode]
        ) - {ABSENT}


def test_more_queries_than_recordings_ask_again_under_another_condition(
    toy_table: EmbeddingTable,
) -> None:
    audio = toy_table.where(toy_table.modality == "audio")

    batch = draw(audio, shots=[5], queries=3)

    asked = batch.queries[0, :3].max(axis=1)
    assert len(set(audio.item[asked].tolist())) == 1
    assert set(audio.condition[asked].tolist()) == {"clean", "mild", "medium"}


def test_unequal_shots_differ_within_an_episode_and_sum_alike(toy_table: EmbeddingTable) -> None:
    batch = draw(toy_table, shots=[1, 4], unequal=1.0, ways=[8])

    counts = [np.bincount(labels, minlength=8) for labels in batch.support_labels]
    assert {int(c) for row in counts for c in row} == {1, 4}
    assert len({tuple(sorted(row.tolist())) for row in counts}) == 1
    assert len({tuple(row.tolist()) for row in counts}) > 1


def test_unknown_classes_are_asked_and_not_enrolled(toy_table: EmbeddingTable) -> None:
    batch = draw(toy_table, unknown_ways=3, queries=2)

    for episode, names in enumerate(batch.class_names):
        unknown = batch.query_labels[episode] == UNKNOWN
        asked = batch.queries[episode][unknown].max(axis=1)
        assert Counter(toy_table.class_name[asked].tolist()) == dict.fromkeys(names[5:], 2)


def test_conditions_are_those_asked_for(toy_table: EmbeddingTable) -> None:
    batch = draw(
        toy_table.where(toy_table.modality == "audio"),
        support_conditions=["clean"],
        query_conditions=["medium"],
    )
    audio = toy_table.where(toy_table.modality == "audio")

    assert set(audio.condition[batch.support.max(axis=2)].ravel().tolist()) == {"clean"}
    assert set(audio.condition[batch.queries.max(axis=2)].ravel().tolist()) == {"medium"}


def test_other_variants_are_asked_about_where_the_class_has_them(
    toy_table: EmbeddingTable,
) -> None:
    apart = draw(toy_table, other_variant=1.0, queries=2)

    for episode in range(len(apart)):
        for way in range(5):
            enrolled = apart.support[episode][apart.support_labels[episode] == way].max(axis=1)
            asked = apart.queries[episode][apart.query_labels[episode] == way].max(axis=1)
            assert not set(toy_table.variant[enrolled]) & set(toy_table.variant[asked])


def test_hard_episodes_hold_classes_that_resemble_one_another(toy_table: EmbeddingTable) -> None:
    pictures = toy_table.where(toy_table.modality == "image")

    def likeness(hard: float) -> float:
        batch = draw(pictures, hard=hard)
        means = {
            name: pictures.points["image"][pictures.class_name == name].mean(axis=0)
            for name in set(pictures.class_name.tolist())
        }
        found = []
        for names in batch.class_names:
            rows = np.stack([means[n] / np.linalg.norm(means[n]) for n in names])
            found.append((rows @ rows.T)[np.triu_indices(5, 1)].mean())
        return float(np.mean(found))

    assert likeness(1.0) > likeness(0.0) + 0.2


def test_random_pairs_are_fresh_in_each_episode_and_hold_for_all_of_it(
    toy_table: EmbeddingTable,
) -> None:
    batch = draw(toy_table, pairing="random")

    partners: dict[str, set[str]] = {}
    for episode in range(len(batch)):
        for way in range(5):
            rows = np.concatenate(
                [batch.support[episode][batch.support_labels[episode] == way],
                 batch.queries[episode][batch.query_labels[episode] == way]]
            )  # fmt: skip
            picture = set(toy_table.class_name[rows[:, 0]].tolist())
            sound = set(toy_table.class_name[rows[:, 1]].tolist())
            assert (len(picture), len(sound)) == (1, 1)
            partners.setdefault(picture.pop(), set()).update(sound)
    assert max(len(found) for found in partners.values()) > 1


def test_natural_pairs_are_two_modalities_of_one_class(toy_table: EmbeddingTable) -> None:
    batch = draw(toy_table, pairing="natural", hard=0.5)

    for array in (batch.support, batch.queries):
        picture, sound = toy_table.class_name[array[..., 0]], toy_table.class_name[array[..., 1]]
        assert (picture == sound).all()
    assert (toy_table.modality[batch.support[..., 1]] == "audio").all()


@pytest.mark.parametrize(
    ("pattern", "held"),
    [("image", (True, False)), ("audio", (False, True)), ("both", (True, True))],
)
def test_queries_hold_what_the_pattern_says(
    toy_table: EmbeddingTable, pattern: str, held: tuple[bool, bool]
) -> None:
    batch = draw(toy_table, pairing="random", patterns=[["both", pattern]])

    assert (batch.support != ABSENT).all()
    assert ((batch.queries != ABSENT) == np.array(held)).all()


def test_a_mixed_support_holds_every_combination_and_never_nothing(
    toy_table: EmbeddingTable,
) -> None:
    batch = draw(toy_table, pairing="random", patterns=[["mixed", "both"]])

    held = batch.support.reshape(-1, 2) != ABSENT
    assert {tuple(row) for row in held.tolist()} == {(True, False), (False, True), (True, True)}


def test_shares_of_a_batch_are_the_batch(toy_table: EmbeddingTable) -> None:
    batch = draw(toy_table)

    parts = [batch.share(number, 3) for number in range(3)]

    again = np.stack([part.support for part in parts], axis=1).reshape(batch.support.shape)
    np.testing.assert_array_equal(again, batch.support)


@pytest.mark.parametrize(
    "keys", [{"ways": [61]}, {"shots": [6]}, {"ways": [40], "unknown_ways": 30}]
)
def test_too_few_classes_or_takes_are_said(toy_table: EmbeddingTable, keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"episodes of \d+ classes with \d shots need .*; found"):
        draw(toy_table, **keys)


def test_a_table_without_anything_to_ask_is_said(toy_table: EmbeddingTable) -> None:
    with pytest.raises(ConfigError, match="found 0: ask for fewer ways or shots, or add sources"):
        draw(toy_table.where(np.zeros(len(toy_table), bool)))
