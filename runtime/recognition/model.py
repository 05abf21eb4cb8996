"""The adapted model: answers any query, whatever streams it and the enrolled classes have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.fusion.late import Placed, fuse
from headstart.runtime.heads.adapt import check_head
from headstart.runtime.heads.arrays import softmax
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.recognition.answer import Answer, unknown_because
from headstart.runtime.recognition.subspace import Subspace, fit_subspace
from headstart.runtime.recognition.support import Support

TOP = 5
"""How many classes an answer lists."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """What the model makes of a batch of queries that have the same streams.

    Args:
        head: head scores ``(queries, classes)``; −∞ where a class shares no stream.
        probability: among the enrolled ``(queries, classes)``, rows sum to 1 (all 0 where nothing
            could be compared).
        known: unknown score minus threshold ``(queries,)``, in the space where the most probable
            class is compared; above 0 is known, −∞ where nothing could be compared.
        subspaces: fused query rows ``(queries, dim)`` with the space, one for each set of streams
            that query and classes share.
    """

    head: NDArray[np.float64]
    probability: NDArray[np.float64]
    known: NDArray[np.float64]
    subspaces: tuple[tuple[NDArray[np.float32], Subspace], ...]


class AdaptedModel:
    """Head, unknown rule and probabilities fitted to one support.

    A query is compared with each class in the fused space of the streams that *both* have. Each
    such space is fitted when it is first asked for, and kept. Not for several threads at once.
    """

    def __init__(
        self,
        support: Support,
        dims: Mapping[str, int],
        start: LearnedInitialization,
        *,
        head: str = "auto",
        false_accept_share: float = 0.05,
    ) -> None:
        """Take the support; nothing is fitted yet.

        Args:
            support: what is enrolled.
            dims: stream → dimension, in the order of the fused axes.
            start: the bundle's learned initialization.
            head: one of `headstart.runtime.heads.adapt.HEADS`.
            false_accept_share: asked share of unknown samples accepted, above 0 and below 1.

        Raises:
            ConfigError: no such head.
        """
        self.support = support
        self._dims = dims
        self._start = start
        self._head = check_head(head)
        self._share = false_accept_share
        self._subspaces: dict[tuple[str, ...], Subspace] = {}
        having: list[set[str]] = [set() for _ in support.names]
        for label, sample in zip(support.labels.tolist(), support.samples, strict=True):
            having[label] |= set(sample.points)
        self._class_streams = having

    def subspace(self, streams: tuple[str, ...]) -> Subspace:
        """What is fitted in the space of ``streams``.

        Raises:
            ShapeError: nothing enrolled has any of them.
        """
        if streams not in self._subspaces:
            self._subspaces[streams] = fit_subspace(
                self.support,
                streams,
                self._dims,
                self._start,
                head=self._head,
                false_accept_share=self._share,
            )
        return self._subspaces[streams]

    def prepare(self) -> None:
        """Fit the spaces that queries with all enrolled streams will ask for."""
        everything = set().union(*self._class_streams) if self._class_streams else set()
        for streams in self._shared(everything):
            self.subspace(streams)

    def score(self, queries: Sequence[Placed]) -> Scores:
        """Score queries that all have the same streams."""
        count, classes = len(queries), len(self.support.names)
        head = np.full((count, classes), -np.inf)
        logits = np.full((count, classes), -np.inf)
        margins = np.full((count, classes), -np.inf)
        used = []
        for streams, members in self._shared(set(queries[0].points)).items():
            space = self.subspace(streams)
            rows = fuse([query.first() for query in queries], streams, self._dims).rows
            column = np.isin(space.classes, members)
            at = space.classes[column]
            scored = np.asarray(space.head.score(rows), np.float64)[:, column]
            head[:, at] = scored
            logits[:, at] = space.temperature * scored / space.unit_score
            closeness = space.rule.scale.closeness(rows)[:, column]
            margins[:, at] = (space.rule.score(rows, closeness) - space.rule.threshold)[:, None]
            used.append((rows, space))
        probability = softmax(logits) if used else np.zeros((count, classes))
        # One class's closeness must not vouch for another class in another space.
        known = (
            margins[np.arange(count), probability.argmax(axis=1)]
            if used
            else margins.max(axis=1, initial=-np.inf)
        )
        return Scores(head=head, probability=probability, known=known, subspaces=tuple(used))

    def answer(self, query: Placed) -> Answer:
        """Answer one query."""
        if not self.support.names:
            return unknown_because("nothing is enrolled yet", query.shares())
        scores = self.score([query])
        if not scores.subspaces:
            return unknown_because(
                f"the query has only {', '.join(sorted(query.points))}, which nothing enrolled has",
                query.shares(),
            )
        best = int(scores.probability[0].argmax())
        margin = float(scores.known[0])
        order = np.argsort(-scores.probability[0], kind="stable")[:TOP]
        names = self.support.names
        streams = self._common(set(query.points), best)
        row, space = next((r[0], s) for r, s in scores.subspaces if s.streams == streams)
        return Answer(
            label=names[best] if margin > 0 else None,
            score=margin,
            probability=float(scores.probability[0, best]),
            unknown=margin <= 0,
            reason="" if margin > 0 else "nothing enrolled is close enough",
            streams=space.contributions(row, int(np.searchsorted(space.classes, best))),
            top=tuple((names[i], float(scores.probability[0, i])) for i in order),
            calibrated=all(space.rule.calibrated for _, space in scores.subspaces),
        )

    def _shared(self, present: set[str]) -> dict[tuple[str, ...], list[int]]:
        """Sets of streams that a query with ``present`` shares with classes → those classes."""
        shared: dict[tuple[str, ...], list[int]] = {}
        for position in range(len(self._class_streams)):
            streams = self._common(present, position)
            if streams:
                shared.setdefault(streams, []).append(position)
        return shared

    def _common(self, present: set[str], position: int) -> tuple[str, ...]:
        having = self._class_streams[position]
        return tuple(s for s in self._dims if s in present and s in having)
