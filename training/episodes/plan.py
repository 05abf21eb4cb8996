"""What the episodes of a recipe look like."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from headstart.training.sources.recipe import Table

Pattern = Literal["image", "audio", "both", "mixed"]
"""What samples hold; ``mixed`` draws one of the three for every sample by itself."""

Pairing = Literal["none", "random", "natural"]
"""Whether a class has one modality, a picture class and a sound class put together afresh in
each episode, or the two of one name."""

_REACHES: dict[Pattern, frozenset[str]] = {
    "image": frozenset({"image"}),
    "audio": frozenset({"audio"}),
    "both": frozenset({"image", "audio"}),
    "mixed": frozenset({"image", "audio"}),
}

Ways = Annotated[int, Field(ge=2, le=100)]
Shots = Annotated[int, Field(ge=1, le=50)]


class EpisodePlan(Table):
    """``[episodes]``.

    All episodes of a batch have the ways and the multiset of shots that one draw gave, so that a
    batch is dense and heads run on it at once; classes, their order and their samples differ.
    """

    ways: Annotated[tuple[Ways, ...], Field(min_length=1)] = (5, 10, 16)
    """One is drawn for each batch."""
    shots: Annotated[tuple[Shots, ...], Field(min_length=1)] = (1, 1, 3, 5)
    """One is drawn for each batch, or with ``unequal`` for each class."""
    unequal: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of batches whose classes have different numbers of shots."""
    queries: Annotated[int, Field(ge=1)] = 3
    """Of each class. A class with fewer recordings left is asked about them again, under other
    conditions where it has them."""
    unknown_ways: Annotated[int, Field(ge=0)] = 0
    """Classes that are asked about without being enrolled; their label is −1."""
    hard: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of episodes whose classes resemble one another."""
    pairing: Pairing = "none"
    patterns: Annotated[tuple[tuple[Pattern, Pattern], ...], Field(min_length=1)] = (
        ("both", "both"),
    )
    """Pairs of what support and queries hold, one drawn for each batch; with ``pairing`` only."""
    other_variant: Annotated[float, Field(ge=0, le=1)] = 0.75
    """Share of episodes that ask, where they can, about takes by other speakers, vendors, fonts."""
    takes: Literal["item", "condition"] = "item"
    """``item`` keeps all conditions of a recording on one side; ``condition`` lets support and
    queries be the same recording heard differently, for classes that have only one."""
    support_conditions: tuple[str, ...] | None = None
    query_conditions: tuple[str, ...] | None = None
    """None means any."""

    @model_validator(mode="after")
    def _patterns_can_meet(self) -> Self:
        for support, query in self.patterns:
            if not _REACHES[support] >= _REACHES[query]:
                raise ValueError(
                    f"a query that holds {query!r} has nothing to be compared with in a support"
                    f" that holds {support!r}; expected the query's modalities in the support"
                )
        limited = self.support_conditions is not None or self.query_conditions is not None
        if self.takes == "condition" and limited:
            raise ValueError(
                "'takes' is 'condition', so every condition is a take of its own; leave"
                " 'support_conditions' and 'query_conditions' out"
            )
        if self.pairing == "none" and self.patterns != (("both", "both"),):
            raise ValueError("'patterns' need 'pairing' to be 'random' or 'natural'")
        return self
