"""What the product says about one query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer: a class, or unknown.

    Args:
        label: the class's display name; None when unknown.
        score: how clearly the query is one of the enrolled, in units of the gallery's own class
            distance, minus the threshold: above 0 is known.
        probability: of the best class among the enrolled, 0…1; 0 when nothing could be compared.
        unknown: nothing enrolled fits.
        reason: why unknown, in words; empty when known.
        streams: share of each stream in the best class's closeness, summing to 1.
        top: best classes with their probabilities among the enrolled, best first.
        calibrated: the asked share of false accepts can be promised for this gallery.
    """

    label: str | None
    score: float
    probability: float
    unknown: bool
    reason: str
    streams: Mapping[str, float]
    top: tuple[tuple[str, float], ...]
    calibrated: bool


def unknown_because(reason: str, streams: Mapping[str, float] | None = None) -> Answer:
    """The answer where nothing could be compared.

    Args:
        reason: why, in words.
        streams: the query's own shares of its streams; None where it has none.
    """
    return Answer(
        label=None,
        score=float("-inf"),
        probability=0.0,
        unknown=True,
        reason=reason,
        streams=streams or {},
        top=(),
        calibrated=True,
    )
