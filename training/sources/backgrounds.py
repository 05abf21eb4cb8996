"""Photographs to stand behind cut-outs: Scratch's outdoor, indoor and nature backgrounds."""

from __future__ import annotations

from headstart.training.sources.cache import Cache
from headstart.training.sources.effects import COLLECTIONS
from headstart.training.sources.item import Item
from headstart.training.sources.unpack import unpacked


def backgrounds(cache: Cache) -> list[Item]:
    """Photos, class = file name; not a class to learn but what camera-like pictures stand on."""
    package = COLLECTIONS["scratch"].package
    root = unpacked(package, cache, keep=("*/Media/Backgrounds/*.jpg",), part="backgrounds")
    return [
        Item(
            key=path.stem,
            origin=path,
            modality="image",
            class_name=path.stem,
            variant="scratch",
            kind="photo",
            source="backgrounds",
            licence="CC BY-SA 2.0",
        )
        for path in sorted(root.rglob("*.jpg"))
    ]
