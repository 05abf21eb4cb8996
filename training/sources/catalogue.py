"""Every source by its name in a recipe."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path

from headstart.runtime.errors import ConfigError
from headstart.training.sources.cache import Cache
from headstart.training.sources.effects import effects
from headstart.training.sources.emoji import emoji
from headstart.training.sources.espeak import spoken_words
from headstart.training.sources.folder import own_folder
from headstart.training.sources.furniture import furniture
from headstart.training.sources.instruments import instruments
from headstart.training.sources.item import Item
from headstart.training.sources.kde_voices import kde_voices
from headstart.training.sources.prompts import english_prompts, two_speaker_prompts
from headstart.training.sources.tuxpaint import tuxpaint

FOLDER_PREFIX = "folder:"


def _synthesized(cache: Cache) -> list[Item]:
    """The English names of Tux Paint's pictures, in the synthesizer's voices."""
    pictures = [item for item in tuxpaint(cache) if item.modality == "image"]
    words = sorted({item.class_name.replace("_", " ").replace("-", " ") for item in pictures})
    return spoken_words(
        [word for word in words if word.isascii() and not any(map(str.isdigit, word))]
    )


SOURCES: dict[str, Callable[[Cache], list[Item]]] = {
    "two-speaker-prompts": two_speaker_prompts,
    "english-prompts": english_prompts,
    "kde-voices": kde_voices,
    "tuxpaint": tuxpaint,
    "emoji": emoji,
    "instruments": instruments,
    "effects": effects,
    "espeak": _synthesized,
    "furniture": furniture,
}


def items_of(name: str, cache: Cache) -> list[Item]:
    """All items of a source: a name of ``SOURCES``, or ``folder:/path/to/DATA``.

    Raises:
        ConfigError: no such source.
        MissingDependency, ArtifactError: its packages cannot be fetched or unpacked.
        CaptureError: the folder is missing or holds no media.
    """
    if name.startswith(FOLDER_PREFIX):
        return own_folder(Path(name.removeprefix(FOLDER_PREFIX)))
    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, n=1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"there is no source {name!r}; expected one of {', '.join(SOURCES)}, or"
            f" {FOLDER_PREFIX}PATH{hint}"
        )
    return SOURCES[name](cache)


def thinned(items: Iterable[Item], share: float) -> list[Item]:
    """About that share of the classes, chosen by name: whole classes, the same ones every time."""
    limit = share * 1000
    return [item for item in items if zlib.crc32(b"thin" + item.class_name.encode()) % 1000 < limit]
