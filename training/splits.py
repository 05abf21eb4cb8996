"""Which classes train, which choose, which are only reported on: fixed by the class's own name."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Literal

from headstart.training.sources.item import Item

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

VALIDATION_BELOW = 15
TEST_BELOW = 30
"""Of 100: 15 % of classes validate, 15 % test, 70 % train."""

HELD_OUT = frozenset({"fxemoji", "csound", "klettres-uk", "ktuberling-uk", "tuxpaint-el"})
"""Variants (vendor, sound font, speakers) that no training or validation item may have."""


def split_of(class_name: str) -> Split:
    """The split of a class: the same on every machine, whatever else is in the data."""
    bucket = zlib.crc32(class_name.encode()) % 100
    if bucket < VALIDATION_BELOW:
        return "validation"
    return "test" if bucket < TEST_BELOW else "train"


def partition(items: Iterable[Item]) -> dict[Split, list[Item]]:
    """Items by split: no class is in two of them.

    Held-out variants appear in test classes only; elsewhere they are left out, so that test
    measures a new vendor, sound font or speaker as well as new classes.
    """
    parts: dict[Split, list[Item]] = {name: [] for name in SPLITS}
    for item in items:
        split = split_of(item.class_name)
        if split == "test" or item.variant not in HELD_OUT:
            parts[split].append(item)
    return parts
