"""Letters, syllables and names of things in twenty languages, from two KDE games for children."""

from __future__ import annotations

from pathlib import Path

from headstart.training.sources.cache import Cache
from headstart.training.sources.item import Item
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import unpacked

KLETTRES = Package(
    registry="debian",
    name="klettres-data",
    version="4:22.12.3-1",
    sha256="1186d257a19e84230856baea0b0b1ded8be9195080fcdb2588970b5cd937f5a8",
)
KTUBERLING = Package(
    registry="debian",
    name="ktuberling-data",
    version="4:22.12.3-1",
    sha256="fba44c875bfa31ea488dadd9263e87a4dcaea0bd47d28817f6c0dc6d2af970ed",
)


def kde_voices(cache: Cache) -> list[Item]:
    """One take a class: class ``ktuberling/fr/hat``, variant ``ktuberling-fr`` (one speaker)."""
    sounds = ("*.ogg", "*.wav")
    letters = unpacked(KLETTRES, cache, keep=sounds) / "usr/share/klettres"
    things = unpacked(KTUBERLING, cache, keep=sounds) / "usr/share/ktuberling/sounds"
    return [
        *_items("klettres", letters),
        *_items("ktuberling", things),
    ]


def _items(game: str, root: Path) -> list[Item]:
    items = []
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        name = path.relative_to(root).with_suffix("").as_posix()
        items.append(
            Item(
                key=f"{game}/{name}",
                origin=path,
                modality="audio",
                class_name=f"{game}/{name}",
                variant=f"{game}-{name.partition('/')[0]}",
                kind="speech",
                source="kde-voices",
                licence="GPL-2.0-or-later",
            )
        )
    return items
