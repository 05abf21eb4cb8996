"""Everything fitted in the fused space of one set of streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.fusion.late import FusedRows, fuse
from headstart.runtime.heads.adapt import FittedHead, adapt, choose_method
from headstart.runtime.heads.arrays import one_hot
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.heads.leave_one_out import prototype_leave_one_out, ridge_leave_one_out
from headstart.runtime.recognition.support import Support
from headstart.runtime.recognition.temperature import USUAL, fit_temperature
from headstart.runtime.unknown.rule import Background, UnknownRule, fit_unknown_rule
from headstart.runtime.unknown.scale import fit_scale

LEFT_OUT_AT_MOST = 500
"""Samples that are left out, one at a time, to measure a temperature; evenly picked."""

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
) -> Subspace | None:
    """Fit what was enrolled, as far as it has any of ``streams``; None if nothing has."""
    kept = [
        i for i, sample in enumerate(support.samples) if any(s in sample.points for s in streams)
    ]
    if not kept:
        return None
    classes, labels = np.unique(support.labels[kept], return_inverse=True)
    ways = classes.size
    fused = _limit(fuse([support.samples[i] for i in kept], streams, dims))
    hot = one_hot(labels[fused.row_sample], ways, fused.rows)
    method = choose_method(head, fused.rows.shape[0], ways)
    background = _background(support, streams, dims)
    scale = fit_scale(fused, labels, ways, background.looks, _usual_distance(start, streams))
    rule = fit_unknown_rule(
        scale, fused.looks, labels, background, false_accept_share, start.unknown_prior
    )
    fitted = adapt(
        method,
        fused.rows,
        hot,
        start,
        metric=_block_diagonal(start, streams, dims, "metric"),
        covariance=_block_diagonal(start, streams, dims, "covariance"),
    )
    unit_score = scale.distance if method == "prototype" else 1.0
    return Subspace(
        streams=streams,
        dims=dims,
        classes=classes,
        head=fitted,
        method=method,
        unit_score=unit_score,
        temperature=_temperature(method, fused, hot, labels, start, unit_score),
        rule=rule,
    )


def _limit(fused: FusedRows) -> FusedRows:
    """Keep the first views of every sample, so that there are at most ``ROWS_AT_MOST`` rows."""
    samples = fused.first.size
    if fused.rows.shape[0] <= max(ROWS_AT_MOST, samples):
        return fused
    views = max(1, ROWS_AT_MOST // samples)
    within = np.arange(fused.rows.shape[0]) - fused.first[fused.row_sample]
    keep = within < views
    row_sample = fused.row_sample[keep]
    first = np.searchsorted(row_sample, np.arange(samples))
    return FusedRows(rows=fused.rows[keep], row_sample=row_sample, first=first)


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
    labels: NDArray[np.int64],
    start: LearnedInitialization,
    unit_score: float,
) -> float:
    shots = np.bincount(labels)
    prior = {**USUAL, **start.temperatures}.get(method, (1.0, 1.0, 1.0))
    expected = prior[min(int(np.median(shots)), 3) - 1]
    order = np.argsort(labels, kind="stable")
    several = order[shots[labels[order]] > 1]
    if method not in ("ridge", "prototype") or several.size == 0 or hot.shape[1] < 2:
        return expected
    asked = several[:: -(-several.size // LEFT_OUT_AT_MOST)]
    if method == "ridge":
        held_out = ridge_leave_one_out(
            fused.rows, hot, start.ridge_penalty, fused.row_sample, fused.first, asked
        )
    else:
        held_out = prototype_leave_one_out(fused.rows, hot, fused.first, asked)
    return fit_temperature(held_out / unit_score, labels[asked], expected)
