"""Classes of one modality with their takes, as padded arrays that whole batches are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.table import EmbeddingTable


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassPool:
    """Classes and their takes.

    Args:
        names: ``(classes,)``.
        counts: takes of each class ``(classes,)``.
        variants: number of the variant of each take ``(classes, most takes)``, inside its class.
        support, queries: table rows of each take as support or query
            ``(classes, most takes, most conditions)``; only the first ``support_counts`` and
            ``query_counts`` ``(classes, most takes)`` are valid.
        means: unit class means ``(classes, dim)``: which classes resemble one another.
    """

    names: NDArray[np.str_]
    counts: NDArray[np.int64]
    variants: NDArray[np.int64]
    support: NDArray[np.int64]
    support_counts: NDArray[np.int64]
    queries: NDArray[np.int64]
    query_counts: NDArray[np.int64]
    means: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.names)

    def chosen(self, which: NDArray[np.int64]) -> ClassPool:
        """Some of the classes, in the order given."""
        return ClassPool(
            names=self.names[which],
            counts=self.counts[which],
            variants=self.variants[which],
            support=self.support[which],
            support_counts=self.support_counts[which],
            queries=self.queries[which],
            query_counts=self.query_counts[which],
            means=self.means[which],
        )

    def draw_classes(
        self, usable: NDArray[np.bool_], hard: NDArray[np.bool_], ways: int, rng: Generator
    ) -> NDArray[np.int64]:
        """``(episodes, ways)`` different classes; hard episodes draw them around one of theirs.

        A hard episode takes its classes at random among the ``2·ways`` that resemble a random
        class most, the class itself included.
        """
        keys = rng.random((len(hard), len(self)))
        keys[:, ~usable] = np.inf
        if hard.any():
            anchors = keys[hard].argmin(axis=1)
            likeness = self.means[anchors] @ self.means.T
            likeness[:, ~usable] = -np.inf
            rank = (-likeness).argsort(axis=1).argsort(axis=1)
            keys[hard] += (rank >= min(2 * ways, int(usable.sum()))).astype(float)
        return keys.argsort(axis=1)[:, :ways]

    def draw_takes(
        self, classes: NDArray[np.int64], apart: NDArray[np.bool_], rng: Generator
    ) -> NDArray[np.int64]:
        """A random order of each class's takes ``(episodes, ways, most takes)``, valid ones first.

        Where ``apart`` ``(episodes,)``, takes of one variant stand together: support from the front
        and queries from the back then differ in variant as far as the class allows.
        """
        shape = (*classes.shape, self.variants.shape[1])
        keys = rng.random(shape)
        variant_keys = rng.random(shape).argsort(axis=-1)
        together = np.take_along_axis(variant_keys, self.variants[classes], axis=-1)
        keys += together * apart[:, None, None]
        keys[np.arange(shape[-1]) >= self.counts[classes][..., None]] = np.inf
        return keys.argsort(axis=-1)


def pool_of(table: EmbeddingTable, modality: str, plan: EpisodePlan) -> ClassPool:
    """The classes of one modality that have both something to enrol and something to ask."""
    rows = np.flatnonzero(table.modality == modality)
    names = np.char.add(np.char.add(table.class_name[rows], "|"), table.kind[rows])
    order = rows[np.lexsort((table.condition[rows], table.item[rows], names))]
    key = np.char.add(np.char.add(table.class_name[order], "|"), table.kind[order])
    take = order.copy() if plan.takes == "condition" else table.item[order]
    may_support = _allowed(table.condition[order], plan.support_conditions)
    may_ask = _allowed(table.condition[order], plan.query_conditions)
    classes: list[_Takes] = []
    ends = np.flatnonzero(np.r_[key[1:] != key[:-1], True]) + 1 if len(order) else np.zeros(0, int)
    for begin, end in zip(np.r_[0, ends[:-1]].tolist(), ends.tolist(), strict=False):
        part = slice(begin, end)
        found = _Takes.of(order[part], take[part], may_support[part], may_ask[part], table)
        if found is not None:
            classes.append(found)
    return _padded(table, modality, classes)


def _allowed(conditions: NDArray[np.str_], wanted: tuple[str, ...] | None) -> NDArray[np.bool_]:
    return np.ones(len(conditions), bool) if wanted is None else np.isin(conditions, wanted)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Takes:
    name: str
    support: Sequence[NDArray[np.int64]]
    queries: Sequence[NDArray[np.int64]]
    variants: Sequence[int]

    @classmethod
    def of(
        cls,
        rows: NDArray[np.int64],
        take: NDArray[np.int64],
        may_support: NDArray[np.bool_],
        may_ask: NDArray[np.bool_],
        table: EmbeddingTable,
    ) -> _Takes | None:
        """A class's takes; with unlike conditions a take may serve on one side only, and is left
        out unless the other side can use it too."""
        members = [take == one for one in dict.fromkeys(take.tolist())]
        usable = [m for m in members if (m & may_support).any() and (m & may_ask).any()]
        if len(usable) < 2:
            return None
        variants = [str(table.variant[rows[m][0]]) for m in usable]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(variants))}
        return cls(
            name=str(table.class_name[rows[0]]),
            support=[rows[m & may_support] for m in usable],
            queries=[rows[m & may_ask] for m in usable],
            variants=[numbers[name] for name in variants],
        )


def _padded(table: EmbeddingTable, modality: str, classes: Sequence[_Takes]) -> ClassPool:
    takes = max((len(c.variants) for c in classes), default=1)
    variants = np.zeros((len(classes), takes), np.int64)
    streams = table.modality_streams[modality]
    means = []
    for number, one in enumerate(classes):
        variants[number, : len(one.variants)] = one.variants
        rows = np.concatenate(one.support)
        means.append(np.concatenate([table.points[s][rows].mean(axis=0) for s in streams]))
    length = np.array([np.linalg.norm(m) for m in means])[:, None]
    support, support_counts = _rows([c.support for c in classes], takes)
    queries, query_counts = _rows([c.queries for c in classes], takes)
    return ClassPool(
        names=np.array([c.name for c in classes], np.str_),
        counts=np.array([len(c.variants) for c in classes], np.int64),
        variants=variants,
        support=support,
        support_counts=support_counts,
        queries=queries,
        query_counts=query_counts,
        means=np.array(means, np.float32) / np.maximum(length, 1e-12).astype(np.float32)
        if means
        else np.zeros((0, 1), np.float32),
    )


def _rows(
    classes: Sequence[Sequence[NDArray[np.int64]]], takes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    most = max((len(rows) for one in classes for rows in one), default=1)
    padded = np.zeros((len(classes), takes, most), np.int64)
    counts = np.ones((len(classes), takes), np.int64)
    for number, one in enumerate(classes):
        for place, rows in enumerate(one):
            padded[number, place, : len(rows)] = rows
            counts[number, place] = len(rows)
    return padded, counts
