"""Everything fitted in the fused space of one set of streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ShapeError
from headstart.runtime.fusion.late import FusedRows, Placed, fuse
from headstart.runtime.heads.adapt import FittedHead, adapt, choose_method
from headstart.runtime.heads.arrays import one_hot
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.heads.leave_one_out import prototype_leave_one_out, ridge_leave_one_out
from headstart.runtime.recognition.support import Support
from headstart.runtime.recognition.temperature import USUAL, fit_temperature
from headstart.runtime.unknown.rule import Background, UnknownRule, fit_unknown_rule
from headstart.runtime.unknown.scale import fit_scale

LEFT_OUT_AT_MOST = 500
"""Looks that are left out, one at a time, to measure a temperature; evenly picked."""

ROWS_AT_MOST = 700
"""Views of a sample beyond this many rows in all are left out: many samples need no views."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subspace:
    """Fitted state for one set of streams.

    Args:
        streams: the streams of this space, in order.
        dims: stream → dimension.
        classes: position in the support of each class that has one of the streams ``(ways,)``.
        head: the fitted head.
        method: what ``auto`` became.
        unit_score: what a score is divided by before temperature.
        temperature: of ``softmax(temperature · score / unit_score)``.
        rule: the unknown rule.
    """

    streams: tuple[str, ...]
    dims: Mapping[str, int]
    classes: NDArray[np.int64]
    head: FittedHead
    method: str
    unit_score: float
    temperature: float
    rule: UnknownRule

    def contributions(self, query: NDArray[np.float32], way: int) -> dict[str, float]:
        """Share of each stream in the query's cosine to the class mean; they sum to 1."""
        product = query * self.rule.scale.prototypes[way]
        ends = np.cumsum([self.dims[s] for s in self.streams])
        parts = [max(float(p.sum()), 0.0) for p in np.split(product, ends[:-1])]
        total = sum(parts)
        if total <= 0.0:
            return dict.fromkeys(self.streams, 1.0 / len(self.streams))
        return {s: part / total for s, part in zip(self.streams, parts, strict=True)}


def fit_subspace(
    support: Support,
    streams: tuple[str, ...],
    dims: Mapping[str, int],
    start: LearnedInitialization,
    *,
    head: str,
    false_accept_share: float,
) -> Subspace:
    """Fit what was enrolled, as far as it has any of ``streams``.

    Raises:
        ShapeError: nothing enrolled has any of them.
    """
    shown = _shown(support, streams)
    if not shown.samples:
        raise ShapeError(
            f"nothing enrolled has any of the streams {', '.join(streams)}; expected one sample or"
            " more: ask for streams that are there"
        )
    labels, ways = shown.labels, shown.classes.size
    fused = fuse(shown.samples, streams, dims, rows_at_most=ROWS_AT_MOST)
    hot = one_hot(labels[fused.row_sample], ways, fused.rows)
    method = choose_method(head, fused.rows.shape[0], ways)
    background = _background(support, streams, dims)
    scale = fit_scale(fused, labels, shown.looks, background.looks, _usual_distance(start, streams))
    rule = fit_unknown_rule(
        scale,
        fused.looks,
        labels,
        shown.shots,
        background,
        false_accept_share,
        start.unknown_prior,
    )
    gram = fused.gram() if method == "ridge" else None
    fitted = adapt(
        method,
        fused.rows,
        hot,
        start,
        metric=_block_diagonal(start, streams, dims, "metric"),
        covariance=_block_diagonal(start, streams, dims, "covariance"),
        gram=gram,
    )
    unit_score = scale.distance if method == "prototype" else 1.0
    return Subspace(
        streams=streams,
        dims=dims,
        classes=shown.classes,
        head=fitted,
        method=method,
        unit_score=unit_score,
        temperature=_temperature(method, fused, hot, shown, start, unit_score, gram),
        rule=rule,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shown:
    """The support samples that have one of the streams: class after class, look after look.

    Args:
        samples: the samples.
        labels: class of each, 0…ways−1 without gaps.
        looks: independent look of each, 0, 1, … rising: one burst is one look.
        classes: position in the support of each class ``(ways,)``.
    """

    samples: tuple[Placed, ...]
    labels: NDArray[np.int64]
    looks: NDArray[np.int64]
    classes: NDArray[np.int64]

    @property
    def shots(self) -> float:
        """Looks that a class typically has."""
        _, at = np.unique(self.looks, return_index=True)
        return float(np.median(np.bincount(self.labels[at])))


def _shown(support: Support, streams: tuple[str, ...]) -> _Shown:
    having = [any(s in sample.points for s in streams) for sample in support.samples]
    kept = np.flatnonzero(having)
    kept = kept[np.lexsort((support.looks[kept], support.labels[kept]))]
    classes, labels = np.unique(support.labels[kept], return_inverse=True)
    looks = support.looks[kept]
    begins = np.r_[True, (np.diff(looks) != 0) | (np.diff(labels) != 0)][: kept.size]
    return _Shown(
        samples=tuple(support.samples[i] for i in kept),
        labels=labels.astype(np.int64),
        looks=np.cumsum(begins) - 1,
        classes=classes,
    )


def _background(support: Support, streams: tuple[str, ...], dims: Mapping[str, int]) -> Background:
    kept = [
        i for i, sample in enumerate(support.background) if any(s in sample.points for s in streams)
    ]
    if not kept:
        size = sum(dims[s] for s in streams)
        return Background(looks=np.empty((0, size), np.float32), things=np.empty(0, np.int64))
    looks = fuse([support.background[i].first() for i in kept], streams, dims).looks
    return Background(looks=looks, things=support.things[kept])


def _usual_distance(start: LearnedInitialization, streams: tuple[str, ...]) -> float:
    return float(np.mean([start.distances.get(stream, 0.6) for stream in streams]))


def _block_diagonal(
    start: LearnedInitialization, streams: tuple[str, ...], dims: Mapping[str, int], name: str
) -> NDArray[np.float32] | None:
    """The streams' matrices of one kind as one; None unless every stream has it."""
    blocks = [start.streams.get(stream, {}).get(name) for stream in streams]
    if any(block is None for block in blocks):
        return None
    whole = np.zeros((sum(dims[s] for s in streams),) * 2, np.float32)
    at = 0
    for block in blocks:
        size = 0 if block is None else block.shape[0]
        whole[at : at + size, at : at + size] = block
        at += size
    return whole


def _temperature(
    method: str,
    fused: FusedRows,
    hot: NDArray[Any],
    shown: _Shown,
    start: LearnedInitialization,
    unit_score: float,
    gram: NDArray[np.float32] | None,
) -> float:
    """From leave-one-look-out scores: a frame of a burst says nothing about the rest of it."""
    _, at = np.unique(shown.looks, return_index=True)
    labels = shown.labels[at]
    looks_of_class = np.bincount(labels)
    prior = {**USUAL, **start.temperatures}.get(method, (1.0, 1.0, 1.0))
    expected = prior[min(int(np.median(looks_of_class)), 3) - 1]
    several = np.flatnonzero(looks_of_class[labels] > 1)
    if method not in ("ridge", "prototype") or several.size == 0 or hot.shape[1] < 2:
        return expected
    asked = several[:: -(-several.size // LEFT_OUT_AT_MOST)]
    first = fused.first[at]
    if method == "ridge":
        row_look = shown.looks[fused.row_sample]
        held_out = ridge_leave_one_out(
            fused.rows, hot, start.ridge_penalty, row_look, first, asked, gram
        )
    else:
        held_out = prototype_leave_one_out(fused.rows, hot, first, asked)
    return fit_temperature(held_out / unit_score, labels[asked], expected)
