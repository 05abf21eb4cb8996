"""Tux Paint's rubber stamps: photo cut-outs, the noise many make, and their spoken names."""

from __future__ import annotations

import re
from pathlib import Path

from headstart.training.sources.cache import Cache
from headstart.training.sources.item import Item
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import unpacked

PACKAGE = Package(
    registry="debian",
    name="tuxpaint-stamps-default",
    version="2022.06.04-1",
    sha256="6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
)
_ROOT = "usr/share/tuxpaint/stamps"

_SPOKEN_SYMBOLS = "symbols/"
"""Letters, numbers and signs: their plain sound file is a spoken name, their picture a glyph."""

_NAME = re.compile(r"^(?P<stem>.+)_desc(?:_(?P<language>[a-z]+))?$")


def tuxpaint(cache: Cache) -> list[Item]:
    """Pictures and noises of class ``<stem>``, spoken names of class ``<language>/<stem>``.

    A picture and a noise of equal class belong together. Spoken symbols are left out.
    """
    root = unpacked(PACKAGE, cache, keep=(f"{_ROOT}/*.png", f"{_ROOT}/*.ogg")) / _ROOT
    items = []
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        name = path.relative_to(root).with_suffix("").as_posix()
        if not name.startswith(_SPOKEN_SYMBOLS) and not _mirrored(path):
            items.append(_picture(path, name) if path.suffix == ".png" else _sound(path, name))
    return items


def _mirrored(path: Path) -> bool:
    """Whether this is only the drawn mirror image of another stamp."""
    return path.stem.endswith(("_mirror", "_flip", "_mirror_flip"))


def _picture(path: Path, name: str) -> Item:
    return _item(path, name, "image", path.stem, "tuxpaint", _kind(name))


def _kind(name: str) -> str:
    return "drawing" if "cartoon" in name else "photo"


def _sound(path: Path, name: str) -> Item:
    spoken = _NAME.match(path.stem)
    if spoken is None:
        return _item(path, name, "audio", path.stem, "tuxpaint", "sound")
    language = spoken["language"] or "en"
    class_name = f"{language}/{spoken['stem']}"
    return _item(path, name, "audio", class_name, f"tuxpaint-{language}", "speech")


def _item(
    path: Path, key: str, modality: str, class_name: str, variant: str, kind: str
) -> Item:  # fmt: skip
    return Item(
        key=f"{key}{path.suffix}",
        origin=path,
        modality=modality,
        class_name=class_name,
        variant=variant,
        kind=kind,
        source="tuxpaint",
        licence="GPL-2.0",
    )
