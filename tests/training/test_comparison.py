"""Learners are compared on the same episodes, with intervals over episodes and paired gains."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from torch import Tensor

from headstart.training.comparison import (
    Interval,
    Row,
    accuracies,
    compare,
    fixed_episodes,
    markdown,
)
from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.episodes.tensors import Episodes, FusedRows
from headstart.training.learner_recipe import EvaluationTable
from headstart.training.learners.learner import Learner
from headstart.training.learners.prototypical import Prototypical


class Always(Learner):
    """Answers class 0."""

    def forward(self, episodes: Episodes) -> Tensor:
        ways = episodes.hot.shape[-1]
        answer = torch.nn.functional.one_hot(torch.zeros_like(episodes.labels), ways)
        scores: Tensor = answer.to(torch.float32)
        return scores


@pytest.fixture
def pictures(toy_table: EmbeddingTable) -> FusedRows:
    return FusedRows(table=toy_table.where(toy_table.modality == "image"), streams=("image",))


def test_an_interval_by_hand() -> None:
    # Deviation of (0, 1, 1, 0) with 3 degrees of freedom: √(1/3).
    found = Interval.of(np.array([0.0, 1.0, 1.0, 0.0]))

    assert found.mean == 50.0
    assert found.half == pytest.approx(100 * 1.96 * np.sqrt(1 / 3) / 2)


def test_a_constant_answer_is_right_once_in_all_ways(pictures: FusedRows) -> None:
    episodes = fixed_episodes(pictures, EpisodePlan(), EvaluationTable(episodes=30), 1)

    assert [len(batch) for batch in episodes] == [25, 5]
    assert accuracies(Always(), episodes).tolist() == [0.2] * 30


def test_evaluation_has_its_own_shots_and_is_the_same_every_time(pictures: FusedRows) -> None:
    settings = EvaluationTable(episodes=10, ways=4)
    plan = EpisodePlan(ways=(7,), shots=(2,), unknown_ways=2, unequal=1.0)

    first, again = (fixed_episodes(pictures, plan, settings, 3)[0] for _ in range(2))

    assert first.hot.sum(dim=1).tolist() == [[3.0] * 4] * 10
    assert int(first.labels.min()) == 0
    assert torch.equal(first.queries, again.queries)


def test_gains_are_paired_with_the_first_learner(pictures: FusedRows) -> None:
    columns = {"5w1s": fixed_episodes(pictures, EpisodePlan(), EvaluationTable(episodes=30), 1)}
    rows = compare({"always": Always(), "prototypes": Prototypical(8)}, columns, {"always": 2.0})

    assert rows[0].gain["5w1s"] == Interval(mean=0.0, half=0.0)
    gain, accuracy = rows[1].gain["5w1s"], rows[1].accuracy["5w1s"]
    assert gain.mean == pytest.approx(accuracy.mean - 20.0)
    assert gain.half == pytest.approx(accuracy.half)
    assert (rows[0].parameters, rows[1].parameters, rows[0].seconds) == (0, 1, 2.0)


def test_the_table_marks_sure_gains() -> None:
    def row(name: str, mean: float, half: float) -> Row:
        interval = {"t": Interval(mean=50 + mean, half=1.0)}
        gain = {"t": Interval(mean=mean, half=half)}
        return Row(name=name, accuracy=interval, gain=gain, parameters=3, seconds=1.4)

    lines = markdown([row("a", 0, 0), row("b", 2, 1), row("c", -0.5, 1)]).splitlines()

    assert lines == [
        "| learner | t | numbers trained | s |",
        "|---|---|---|---|",
        "| a | 50.0 ± 1.0 | 3 | 1 |",
        "| b | 52.0 ± 1.0 (**+2.0**) | 3 | 1 |",
        "| c | 49.5 ± 1.0 (-0.5) | 3 | 1 |",
    ]
