"""Reptile's direction is the way from the start to where plain training ends."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from torch import Tensor, nn
from torch.func import grad

from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.episodes.tensors import Episodes, FusedRows
from headstart.training.learners.reptile import Reptile

RATE, STEPS = 0.5, 4


@pytest.fixture
def episodes(toy_table: EmbeddingTable) -> Episodes:
    plan = EpisodePlan(ways=(3,), shots=(2,), queries=2)
    pictures = toy_table.where(toy_table.modality == "image")
    rows = FusedRows(table=pictures, streams=("image",))
    return rows.episodes(EpisodeSampler(table=pictures, plan=plan, seed=5).batch(3))


def independent(learner: Reptile, episodes: Episodes) -> dict[str, Tensor]:
    """The mean over tasks of start − end, in torch.func, one task at a time."""
    start = {
        "down": learner.adapter.down.detach(),
        "up": learner.adapter.up.detach(),
        "rows": torch.zeros(3, 8),
    }

    def loss(theta: dict[str, Tensor], x: Tensor, labels: Tensor) -> Tensor:
        features = nn.functional.normalize(x + x @ theta["down"].T @ theta["up"].T, dim=-1)
        return nn.functional.cross_entropy(learner.scale * features @ theta["rows"].T, labels)

    moved = []
    for task in range(len(episodes)):
        x = torch.cat([episodes.support[task], episodes.queries[task]])
        labels = torch.cat([episodes.hot[task].argmax(dim=-1), episodes.labels[task]])
        current = start
        for _ in range(STEPS):
            slope = grad(loss)(current, x, labels)
            current = {name: value - RATE * slope[name] for name, value in current.items()}
        moved.append({name: start[name] - current[name] for name in start})
    return {n: torch.stack([one[n] for one in moved]).mean(dim=0) for n in ("down", "up")}


def test_reptile_s_meta_gradient_is_the_independent_one(episodes: Episodes) -> None:
    learner = Reptile(8, rank=3, steps=STEPS, step_size=RATE)
    with torch.no_grad():
        learner.adapter.up.normal_(generator=torch.Generator().manual_seed(2))

    learner.accumulate(episodes, 1.0)

    for name, expected in independent(learner, episodes).items():
        found = getattr(learner.adapter, name).grad
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        assert expected.abs().max() > 1e-3, "a direction of nothing would prove nothing"


def test_shares_of_a_batch_add_up(episodes: Episodes) -> None:
    once, twice = Reptile(8, rank=3), Reptile(8, rank=3)

    once.accumulate(episodes, 1.0)
    twice.accumulate(episodes, 0.25)
    twice.accumulate(episodes, 0.75)

    assert once.adapter.up.grad is not None and twice.adapter.up.grad is not None
    torch.testing.assert_close(once.adapter.up.grad, twice.adapter.up.grad)


def test_unknown_queries_teach_nothing(episodes: Episodes) -> None:
    known, without = Reptile(8, rank=3), Reptile(8, rank=3)
    unknown = Episodes(
        support=episodes.support,
        hot=episodes.hot,
        queries=torch.cat([episodes.queries, torch.ones(3, 1, 8)], dim=1),
        labels=torch.cat([episodes.labels, torch.full((3, 1), -1)], dim=1),
        classes=episodes.classes,
    )

    known.accumulate(episodes, 1.0)
    without.accumulate(unknown, 1.0)

    assert known.adapter.up.grad is not None and without.adapter.up.grad is not None
    torch.testing.assert_close(known.adapter.up.grad, without.adapter.up.grad)
