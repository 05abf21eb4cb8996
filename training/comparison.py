"""Learners side by side on the same embeddings and the same episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.tensors import Episodes, FusedRows
from headstart.training.learner_recipe import EvaluationTable
from headstart.training.learners.learner import Learner

BATCH = 25
"""Evaluation episodes that are scored at once."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean in percent and the half-width of its 95 % interval over episodes."""

    mean: float
    half: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Interval:
        """Of figures in 0…1, at least two."""
        half = 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
        return cls(mean=100.0 * float(values.mean()), half=100.0 * half)

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.half:.1f}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One learner's figures.

    Args:
        name: of the learner.
        accuracy: column → accuracy.
        gain: column → difference to the first learner, paired over the episodes.
        parameters: how many numbers were trained.
        seconds: of training.
    """

    name: str
    accuracy: Mapping[str, Interval]
    gain: Mapping[str, Interval]
    parameters: int
    seconds: float


def fixed_episodes(
    rows: FusedRows, plan: EpisodePlan, settings: EvaluationTable, shots: int
) -> list[Episodes]:
    """The evaluation's episodes: the same whatever learner is asked.

    Raises:
        ConfigError: too few classes with enough takes.
    """
    asked = plan.model_copy(
        update={
            "ways": (settings.ways,),
            "shots": (shots,),
            "unequal": 0.0,
            "queries": settings.queries,
            "unknown_ways": 0,
        }
    )
    sampler = EpisodeSampler(table=rows.table, plan=asked, seed=settings.seed)
    sizes = [min(BATCH, settings.episodes - at) for at in range(0, settings.episodes, BATCH)]
    return [rows.episodes(sampler.batch(size, at)) for at, size in enumerate(sizes)]


def accuracies(learner: Learner, episodes: Sequence[Episodes]) -> NDArray[np.float64]:
    """Share of right answers in each episode."""
    found = []
    with torch.no_grad():
        for batch in episodes:
            right = learner(batch).argmax(dim=-1) == batch.labels
            found.append(right.to(torch.float64).mean(dim=1))
    return torch.cat(found).numpy()


def compare(
    learners: Mapping[str, Learner],
    columns: Mapping[str, Sequence[Episodes]],
    seconds: Mapping[str, float],
) -> list[Row]:
    """Score every learner on every column's episodes; gains are over the first learner.

    Args:
        learners: name → trained learner.
        columns: title → episodes.
        seconds: name → how long it trained.
    """
    rows: list[Row] = []
    reference: dict[str, NDArray[np.float64]] = {}
    for name, learner in learners.items():
        scored = {title: accuracies(learner, episodes) for title, episodes in columns.items()}
        reference = reference or scored
        trained = [p.numel() for p in learner.parameters() if p.requires_grad]
        rows.append(
            Row(
                name=name,
                accuracy={title: Interval.of(values) for title, values in scored.items()},
                gain={
                    title: Interval.of(values - reference[title])
                    for title, values in scored.items()
                },
                parameters=sum(trained),
                seconds=seconds.get(name, 0.0),
            )
        )
    return rows


def markdown(rows: Sequence[Row]) -> str:
    """The table, one line a learner; bold is a gain whose interval does not hold 0."""
    titles = list(rows[0].accuracy)
    lines = [
        "| learner | " + " | ".join(titles) + " | numbers trained | s |",
        "|---|" + "---|" * (len(titles) + 2),
    ]
    for row in rows:
        cells = []
        for title in titles:
            gain = row.gain[title]
            text = str(row.accuracy[title])
            if row is not rows[0]:
                change = f"{gain.mean:+.1f}"
                sure = abs(gain.mean) > gain.half and gain.half > 0
                text += f" (**{change}**)" if sure else f" ({change})"
            cells.append(text)
        lines.append(f"| {row.name} | {' | '.join(cells)} | {row.parameters} | {row.seconds:.0f} |")
    return "\n".join(lines)
