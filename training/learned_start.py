"""The head start that ships: learned values, and temperatures measured on validation classes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.fusion.late import FusedRows
from headstart.runtime.heads.adapt import adapt
from headstart.runtime.heads.arrays import softmax
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.unknown.scale import fit_scale
from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner

METHODS = ("prototype", "prototype:euclidean", "prototype:manhattan", "ridge", "lda", "gradient")
SHOTS = (1, 2, 3)
"""The three places of a temperature; the last stands for all numbers of shots from 3 on."""
_LOWEST, _HIGHEST = 1e-3, 1e3
"""Wider than the device fits within: log-likelihoods of LDA are large numbers."""
_HALVINGS = 30

Scored = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Scores ``(queries, ways)`` and labels ``(queries,)`` of one episode."""


def with_learned(
    start: LearnedInitialization, learners: Sequence[Learner]
) -> LearnedInitialization:
    """The start with what the learners found; what none of them learns stays."""
    found: dict[str, Any] = {}
    for learner in learners:
        found.update(learner.learned())
    return dataclasses.replace(start, **found)


def with_temperatures(
    start: LearnedInitialization,
    episodes: Mapping[int, Sequence[Episodes]],
    methods: Sequence[str] = METHODS,
) -> LearnedInitialization:
    """The start with the inverse temperatures of lowest log-loss on queries of new classes.

    Args:
        start: its other values are those that the temperatures are for.
        episodes: shots (each of ``SHOTS``) → validation episodes.
        methods: heads to measure.
    """
    measured = {
        method: tuple(best_temperature(list(scored(method, episodes[k], start))) for k in SHOTS)
        for method in methods
    }
    temperatures = {method: (one, two, more) for method, (one, two, more) in measured.items()}
    return dataclasses.replace(start, temperatures={**start.temperatures, **temperatures})


def scored(
    method: str, episodes: Sequence[Episodes], start: LearnedInitialization
) -> Iterator[Scored]:
    """What the device's head says about each episode's known queries, as temperatures see it."""
    for batch in episodes:
        for number in range(len(batch)):
            support, hot = batch.support[number].numpy(), batch.hot[number].numpy()
            labels = batch.labels[number].numpy()
            queries = batch.queries[number].numpy()[labels >= 0]
            scores = adapt(method, support, hot, start).score(queries).astype(np.float64)
            # As on the device: plain prototypes are scaled by how far apart the classes are.
            unit_score = _distance(support, hot) if method == "prototype" else 1.0
            yield scores / unit_score, labels[labels >= 0]


def best_temperature(groups: Sequence[Scored]) -> float:
    """The inverse temperature of lowest summed log-loss.

    Groups may differ in ways. The loss is convex in the temperature: halve towards where its slope
    changes sign.
    """
    low, high = math.log(_LOWEST), math.log(_HIGHEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        slope = sum(_slope(scores, labels, math.exp(middle)) for scores, labels in groups)
        low, high = (low, middle) if slope >= 0 else (middle, high)
    return math.exp((low + high) / 2)


def log_loss(groups: Sequence[Scored], temperature: float) -> float:
    """Mean negative log-probability of the right class, in nats."""
    losses = [
        -np.log(softmax(temperature * scores)[np.arange(labels.size), labels] + 1e-300)
        for scores, labels in groups
    ]
    return float(np.concatenate(losses).mean())


def write_start(start: LearnedInitialization, path: Path, notes: Mapping[str, str]) -> None:
    """Write the start's tensors as safetensors, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    from safetensors.numpy import save

    data = save(start.to_tensors(), metadata=dict(notes))
    draft = path.with_name(path.name + ".draft")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _slope(scores: NDArray[np.float64], labels: NDArray[np.int64], temperature: float) -> float:
    """Of the summed log-loss over the temperature."""
    expected = (softmax(temperature * scores) * scores).sum(axis=1)
    return float((expected - scores[np.arange(labels.size), labels]).sum())


def _distance(support: NDArray[np.float32], hot: NDArray[np.float32]) -> float:
    """The usual distance of two classes of the episode, as a gallery of them would measure it."""
    samples = np.arange(len(support))
    fused = FusedRows(rows=support, row_sample=samples, first=samples)
    nothing = np.empty((0, support.shape[1]), np.float32)
    labels = hot.argmax(axis=1).astype(np.int64)
    return fit_scale(fused, labels, samples, nothing, 1.0).distance
