"""Telephone prompts of Asterisk: the same French and Spanish ones by two people, English by one."""

from __future__ import annotations

from pathlib import Path

from headstart.training.sources.cache import Cache
from headstart.training.sources.item import Item
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import unpacked

_ROOT = "usr/share/asterisk/sounds"

_SPEAKERS = {
    "fr-june": ("asterisk-core-sounds-fr-wav", "1.6.1-1", "fr_CA_f_June", "CC BY-SA 3.0"),
    "fr-armelle": ("asterisk-prompt-fr-armelle", "20070613-2.2", "fr", "CC BY 3.0"),
    "es-allison": ("asterisk-core-sounds-es-wav", "1.6.1-1", "es_MX_f_Allison", "CC BY-SA 3.0"),
    "es-colombia": ("asterisk-prompt-es-co", "0.20070403-2.1", "es", "BSD-3-Clause"),
    "en-allison": ("asterisk-core-sounds-en-wav", "1.6.1-1", "en_US_f_Allison", "CC BY-SA 3.0"),
}
"""Speaker → Debian package, version, folder, licence."""

_PAIRS = (("fr-june", "fr-armelle"), ("es-allison", "es-colombia"))

_NOT_SPEECH = frozenset(
    {"beep", "beeperr", "ascending-2tone", "descending-2tone", "confbridge-join",
     "confbridge-leave", "ring", "tt-monkeys"}
)  # fmt: skip

SHA256 = {
    "fr-june": "8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e",
    "fr-armelle": "162570b1a9b3512a98f06b89f60c7c17cf1b9b52297315adca9a4e5be728bea3",
    "es-allison": "9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903",
    "es-colombia": "6702696e045514699e87dc8fb70f370717e5df91f821f7bec8dd0df1be008e83",
    "en-allison": "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
}


def two_speaker_prompts(cache: Cache) -> list[Item]:
    """Prompts that two people read: class ``fr/agent-loginok``, variant the speaker.

    One speaker's come as GSM, the other's as WAV: the channel tells the speakers apart.
    """
    items: list[Item] = []
    for pair in _PAIRS:
        recordings = [_recordings(speaker, cache) for speaker in pair]
        both = sorted(recordings[0].keys() & recordings[1].keys())
        for speaker, files in zip(pair, recordings, strict=True):
            items.extend(_item(speaker, name, files[name]) for name in both)
    return items


def english_prompts(cache: Cache) -> list[Item]:
    """English prompts, one take each; no spoken digits, which evaluation sets are made of."""
    files = _recordings("en-allison", cache)
    names = [name for name in sorted(files) if not name.startswith("digits/")]
    return [_item("en-allison", name, files[name]) for name in names]


def _recordings(speaker: str, cache: Cache) -> dict[str, Path]:
    name, version, folder, _ = _SPEAKERS[speaker]
    package = Package(registry="debian", name=name, version=version, sha256=SHA256[speaker])
    keep = (f"{_ROOT}/{folder}/*.wav", f"{_ROOT}/{folder}/*.gsm")
    root = unpacked(package, cache, keep=keep) / _ROOT / folder
    files = {p.relative_to(root).with_suffix("").as_posix(): p for p in root.rglob("*.*")}
    return {
        name: path
        for name, path in files.items()
        if name not in _NOT_SPEECH and not name.startswith("silence/")
    }


def _item(speaker: str, name: str, path: Path) -> Item:
    language = speaker.partition("-")[0]
    return Item(
        key=f"{speaker}/{name}",
        origin=path,
        modality="audio",
        class_name=f"{language}/{name}",
        variant=speaker,
        kind="speech",
        source="prompts",
        licence=_SPEAKERS[speaker][3],
    )
