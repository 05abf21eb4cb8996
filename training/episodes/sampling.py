"""Draws batches of episodes: the same seed and place give the same episodes on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from headstart.runtime.errors import ConfigError
from headstart.runtime.sample import MODALITIES
from headstart.training.episodes.batch import ABSENT, UNKNOWN, EpisodeBatch
from headstart.training.episodes.plan import EpisodePlan, Pattern
from headstart.training.episodes.pool import ClassPool, pool_of
from headstart.training.episodes.table import EmbeddingTable

_PATTERNS = np.array([[True, False], [False, True], [True, True]])
"""What a sample may hold: image, audio, both."""
_FIXED: dict[Pattern, int] = {"image": 0, "audio": 1, "both": 2}


@dataclass(frozen=True, kw_only=True)
class _Draw:
    """What one batch decides for all of its episodes."""

    ways: int
    shots: NDArray[np.int64]
    patterns: tuple[Pattern, Pattern]
    hard: NDArray[np.bool_]
    apart: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """One modality's table rows to enrol ``(episodes, ways, most shots)`` and to ask ``(episodes,
    all ways, queries)``, and class names ``(episodes, all ways)``."""

    support: NDArray[np.int64]
    queries: NDArray[np.int64]
    names: NDArray[np.str_]


@dataclass(frozen=True, kw_only=True, eq=False)
class EpisodeSampler:
    """Episodes of a table after a plan.

    Args:
        table: the rows of one split.
        plan: what episodes look like.
        seed: 0 or more.

    Raises:
        ConfigError: on the first batch, if there are too few classes with enough takes.
    """

    table: EmbeddingTable
    plan: EpisodePlan
    seed: int

    @cached_property
    def pools(self) -> dict[str, ClassPool]:
        """Modality → its classes, for those that the episodes use."""
        pools = {m: pool_of(self.table, m, self.plan) for m in MODALITIES}
        if self.plan.pairing == "natural":
            return _named_alike(pools)
        if self.plan.pairing == "none":
            return {m: pool for m, pool in pools.items() if len(pool)}
        return pools

    def batch(self, episodes: int, *place: int) -> EpisodeBatch:
        """Draw a batch.

        Args:
            episodes: at least 1.
            place: what else the draw depends on beside the seed, such as step and micro-batch.
        """
        rng = Generator(PCG64(SeedSequence(self.seed, spawn_key=place)))
        if self.plan.pairing == "none":
            present = [m for m in MODALITIES if m in self.pools]
            # A batch is of one modality, in proportion to its classes.
            sizes = np.array([len(self.pools[m]) for m in present], float)
            if not sizes.size:
                self._too_few(2, 1, 0)
            used = [present[int(rng.choice(len(present), p=sizes / sizes.sum()))]]
        else:
            used = list(MODALITIES)
        draw = self._draw(episodes, rng)
        classes = self._classes({m: self.pools[m] for m in used}, draw, rng)
        parts = {m: self._takes(self.pools[m], classes[m], draw, rng) for m in used}
        return self._assembled(parts, draw, rng)

    def _draw(self, episodes: int, rng: Generator) -> _Draw:
        plan = self.plan
        ways = int(rng.choice(plan.ways))
        shots = np.full(ways, rng.choice(plan.shots))
        if rng.random() < plan.unequal:
            shots = rng.choice(plan.shots, size=ways)
        return _Draw(
            ways=ways,
            shots=shots.astype(np.int64),
            patterns=plan.patterns[int(rng.integers(len(plan.patterns)))],
            hard=rng.random(episodes) < plan.hard,
            apart=rng.random(episodes) < plan.other_variant,
        )

    def _classes(
        self, pools: dict[str, ClassPool], draw: _Draw, rng: Generator
    ) -> dict[str, NDArray[np.int64]]:
        """Modality → classes of each episode ``(episodes, all ways)``, the enrolled first."""
        total, most = draw.ways + self.plan.unknown_ways, int(draw.shots.max())
        usable = {m: pool.counts > most for m, pool in pools.items()}
        if self.plan.pairing == "natural":
            both = np.ones(len(pools[MODALITIES[0]]), bool)
            for mask in usable.values():
                both &= mask
            usable = {m: both for m in pools}
        fewest = min(int(mask.sum()) for mask in usable.values())
        if fewest < total:
            self._too_few(total, most, fewest)
        if self.plan.pairing == "natural":
            leading = pools[MODALITIES[0]].draw_classes(both, draw.hard, total, rng)
            return {m: leading for m in pools}
        return {m: p.draw_classes(usable[m], draw.hard, total, rng) for m, p in pools.items()}

    def _takes(
        self, pool: ClassPool, classes: NDArray[np.int64], draw: _Draw, rng: Generator
    ) -> _Rows:
        """What to enrol and to ask of the classes ``(episodes, all ways)``."""
        most = int(draw.shots.max())
        takes = pool.draw_takes(classes, draw.apart, rng)
        first = takes[:, : draw.ways, :most]
        known = classes[:, : draw.ways]
        left = (pool.counts[classes] - most)[..., None]
        turn = np.arange(self.plan.queries) % left
        asked = np.take_along_axis(takes, pool.counts[classes][..., None] - 1 - turn, axis=-1)
        start = np.take_along_axis(rng.random((*classes.shape, self.plan.queries)), turn, axis=-1)
        again = np.arange(self.plan.queries) // left
        return _Rows(
            support=_conditions(
                pool.support, pool.support_counts, known, first, rng.random(first.shape), 0
            ),
            queries=_conditions(pool.queries, pool.query_counts, classes, asked, start, again),
            names=pool.names[classes],
        )

    def _assembled(
        self,
        parts: dict[str, _Rows],
        draw: _Draw,
        rng: Generator,
    ) -> EpisodeBatch:
        """Put the modalities side by side and drop the shots that a class does not have."""
        first = next(iter(parts.values()))
        episodes, total, queries = first.queries.shape
        support = np.full((*first.support.shape, len(MODALITIES)), ABSENT, np.int64)
        asked = np.full((*first.queries.shape, len(MODALITIES)), ABSENT, np.int64)
        names = np.full((episodes, total), "")
        for number, modality in enumerate(MODALITIES):
            if modality in parts:
                part = parts[modality]
                support[..., number], asked[..., number] = part.support, part.queries
                between = np.where(names == "", "", " + ")
                names = np.char.add(np.char.add(names, between), part.names)
        labels = np.arange(draw.ways)[:, None] + np.zeros_like(support[0, :, :, 0])
        # The shots' order differs from episode to episode, their sum does not.
        shots = rng.permuted(np.tile(draw.shots, (episodes, 1)), axis=1)
        kept = np.arange(support.shape[2]) < shots[..., None]
        enrolled = support[kept].reshape(episodes, -1, len(MODALITIES))
        enrolled_labels = np.broadcast_to(labels, kept.shape)[kept].reshape(episodes, -1)
        query_labels = np.where(np.arange(total) < draw.ways, np.arange(total), UNKNOWN)
        asked = asked.reshape(episodes, total * queries, len(MODALITIES))
        if self.plan.pairing != "none":
            enrolled = _masked(enrolled, draw.patterns[0], rng)
            asked = _masked(asked, draw.patterns[1], rng)
        return EpisodeBatch(
            ways=draw.ways,
            support=enrolled,
            support_labels=enrolled_labels,
            queries=asked,
            query_labels=np.tile(np.repeat(query_labels, queries), (episodes, 1)),
            class_names=tuple(tuple(row) for row in names.tolist()),
        )

    def _too_few(self, classes: int, shots: int, found: int) -> None:
        raise ConfigError(
            f"episodes of {classes} classes with {shots} shots need as many classes with at least"
            f" {shots + 1} takes; found {found}: ask for fewer ways or shots, or add sources"
        )


def _conditions(
    rows: NDArray[np.int64],
    counts: NDArray[np.int64],
    classes: NDArray[np.int64],
    takes: NDArray[np.int64],
    start: NDArray[np.float64],
    again: NDArray[np.int64] | int,
) -> NDArray[np.int64]:
    """One row of each take ``(episodes, ways, takes)``.

    ``start`` in 0…1 chooses its condition; a take that comes ``again`` comes under the next.
    """
    size = counts[classes[..., None], takes]
    which = (np.floor(start * size).astype(np.int64) + again) % size
    chosen: NDArray[np.int64] = rows[classes[..., None], takes, which]
    return chosen


def _masked(rows: NDArray[np.int64], pattern: Pattern, rng: Generator) -> NDArray[np.int64]:
    """Rows ``(episodes, samples, modalities)`` with what the pattern does not hold ``ABSENT``."""
    if pattern == "mixed":
        held = _PATTERNS[rng.integers(len(_PATTERNS), size=rows.shape[:2])]
    else:
        held = np.broadcast_to(_PATTERNS[_FIXED[pattern]], rows.shape)
    return np.where(held, rows, ABSENT)


def _named_alike(pools: dict[str, ClassPool]) -> dict[str, ClassPool]:
    """The classes whose name every modality has, in one order."""
    common: NDArray[np.str_] = pools[MODALITIES[0]].names
    for pool in pools.values():
        common = np.intersect1d(common, pool.names)
    return {
        m: pool.chosen(np.array([int(np.argmax(pool.names == name)) for name in common], np.int64))
        for m, pool in pools.items()
    }
