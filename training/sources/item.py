"""One picture or sound of a source, and what could not be read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import MODALITIES
from headstart.training.sources.media import read_picture, read_sound

Maker = Callable[[], NDArray[Any]]
"""Renders or synthesizes one item: see ``Item.read`` for what it must return."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One picture or one sound.

    Args:
        key: unique and stable inside the source: names the item in caches and reports.
        origin: a media file, or a function that makes the array.
        modality: ``image`` or ``audio``.
        class_name: what it shows or says; equal names are one class, also across sources.
        variant: whose take it is: vendor, speaker, sound font, view.
        kind: ``speech``, ``sound``, ``photo`` or ``drawing``.
        source: name of the source.
        licence: of this item.

    Raises:
        ConfigError: the modality is not one that Headstart knows.
    """

    key: str
    origin: Path | Maker
    modality: str
    class_name: str
    variant: str
    kind: str
    source: str
    licence: str

    def __post_init__(self) -> None:
        if self.modality not in MODALITIES:
            raise ConfigError(
                f"item {self.key!r} of source {self.source!r} has modality {self.modality!r};"
                f" expected one of {', '.join(MODALITIES)}"
            )

    def read(self) -> NDArray[Any]:
        """The picture, uint8 ``(height, width, rgb or rgba)``, or sound, float32 ``(samples,)``.

        Sounds are mono at 16 kHz, −1…1. A new array each time; the caller owns it.

        Raises:
            CaptureError: the media is damaged or empty.
        """
        if callable(self.origin):
            return self.origin()
        return read_picture(self.origin) if self.modality == "image" else read_sound(self.origin)


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """An item that could not be used, and why."""

    key: str
    source: str
    reason: str


@dataclass(kw_only=True)
class Reading:
    """Reads items one after the other; what cannot be read is skipped, counted and listed.

    Iterate once; ``skipped`` grows while iterating. One thread at a time.
    """

    items: Iterable[Item]
    skipped: list[Skipped] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[Item, NDArray[Any]]]:
        for item in self.items:
            try:
                array = item.read()
            except CaptureError as error:
                self.skipped.append(Skipped(key=item.key, source=item.source, reason=str(error)))
                continue
            yield item, array
