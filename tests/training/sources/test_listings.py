"""Every source, listed offline from a cache whose packages are already unpacked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import ConfigError
from headstart.training.sources import effects as effects_module
from headstart.training.sources import emoji as emoji_module
from headstart.training.sources.backgrounds import backgrounds
from headstart.training.sources.cache import Cache
from headstart.training.sources.catalogue import items_of, thinned
from headstart.training.sources.effects import COLLECTIONS, effects
from headstart.training.sources.emoji import emoji
from headstart.training.sources.environment import EVALUATION_PACKAGES
from headstart.training.sources.item import Item
from headstart.training.sources.kde_voices import KLETTRES, KTUBERLING, kde_voices
from headstart.training.sources.packages import Package
from headstart.training.sources.prompts import english_prompts, two_speaker_prompts
from headstart.training.sources.tuxpaint import PACKAGE, tuxpaint


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def put(cache: Cache, package: Package, names: Sequence[str], part: str = "all") -> Path:
    root = cache.root / f"{package.stage.replace('packages/', 'unpacked/')}-{part}"
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def debian(name: str, version: str) -> Package:
    return Package(registry="debian", name=name, version=version)


def summary(items: list[Item]) -> list[tuple[str, str, str, str]]:
    return [(i.modality, i.kind, i.class_name, i.variant) for i in items]


def put_prompts(cache: Cache) -> None:
    sounds = "usr/share/asterisk/sounds"
    for package, folder, names in (
        (debian("asterisk-core-sounds-fr-wav", "1.6.1-1"), "fr_CA_f_June",
         ["bye.wav", "beep.wav", "digits/1.wav", "only-june.wav"]),
        (debian("asterisk-prompt-fr-armelle", "20070613-2.2"), "fr",
         ["bye.gsm", "beep.gsm", "digits/1.gsm"]),
        (debian("asterisk-core-sounds-es-wav", "1.6.1-1"), "es_MX_f_Allison", ["bye.wav"]),
        (debian("asterisk-prompt-es-co", "0.20070403-2.1"), "es", ["bye.gsm", "silence/1.gsm"]),
        (debian("asterisk-core-sounds-en-wav", "1.6.1-1"), "en_US_f_Allison",
         ["bye.wav", "digits/1.wav", "silence/1.wav", "letters/a.wav"]),
    ):  # fmt: skip
        put(cache, package, [f"{sounds}/{folder}/{name}" for name in names])


def test_prompts_are_those_that_two_people_read(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    put_prompts(cache)
    assert summary(two_speaker_prompts(cache)) == [
        ("audio", "speech", "fr/bye", "fr-june"),
        ("audio", "speech", "fr/digits/1", "fr-june"),
        ("audio", "speech", "fr/bye", "fr-armelle"),
        ("audio", "speech", "fr/digits/1", "fr-armelle"),
        ("audio", "speech", "es/bye", "es-allison"),
        ("audio", "speech", "es/bye", "es-colombia"),
    ]


def test_english_prompts_hold_no_digits_and_no_silence(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    put_prompts(cache)
    names = [item.class_name for item in english_prompts(cache)]
    assert names == ["en/bye", "en/letters/a"]


def test_kde_voices_name_game_and_language(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    put(cache, KLETTRES, ["usr/share/klettres/cs/alpha/a.ogg"])
    put(cache, KTUBERLING, ["usr/share/ktuberling/sounds/fr/hat.wav"])
    assert summary(kde_voices(cache)) == [
        ("audio", "speech", "klettres/cs/alpha/a", "klettres-cs"),
        ("audio", "speech", "ktuberling/fr/hat", "ktuberling-fr"),
    ]


def test_a_stamps_picture_and_noise_are_one_class_and_its_name_another(tmp_path: Path) -> None:
    stamps = "usr/share/tuxpaint/stamps"
    names = [
        "animals/cow.ogg", "animals/cow.png", "animals/cow_desc.ogg", "animals/cow_desc_fr.ogg",
        "animals/cow_mirror.png", "symbols/math/1.ogg", "symbols/math/1.png",
        "town/cartoon/cow.png",
    ]  # fmt: skip
    cache = Cache(root=tmp_path)
    put(cache, PACKAGE, [f"{stamps}/{name}" for name in names])
    assert summary(tuxpaint(cache)) == [
        ("audio", "sound", "cow", "tuxpaint"),
        ("image", "photo", "cow", "tuxpaint"),
        ("audio", "speech", "en/cow", "tuxpaint-en"),
        ("audio", "speech", "fr/cow", "tuxpaint-fr"),
        ("image", "drawing", "cow", "tuxpaint"),
    ]


def put_effects(cache: Cache) -> None:
    paths = {
        "wesnoth": ["data/core/sounds/wolf-growl-1.ogg", "data/core/sounds/wolf-growl-2.ogg"],
        "scratch": ["Media/Sounds/Animal/Dog1.wav", "Media/Sounds/Human/Slurp.mp3"],
        "lmms": ["lmms/samples/drums/kick01.ogg", "lmms/samples/beats/break01.ogg"],
        "sonic-pi": ["samples/bd_808.flac"],
        "hydrogen": ["drumkits/Kit/Kick-Hardest.wav", "drumkits/Kit/Kick-Soft.wav"],
        "hedgewars": ["Data/Sounds/bee.ogg", "Data/Sounds/voices/Robot/Hello.ogg"],
    }
    for name, files in paths.items():
        put(cache, COLLECTIONS[name].package, files)


def test_a_trailing_number_marks_another_take_of_an_effect(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    put_effects(cache)
    assert [(i.class_name, i.variant) for i in effects(cache)] == [
        ("wesnoth/wolf-growl", "1"),
        ("wesnoth/wolf-growl", "2"),
        ("scratch/dog", "1"),
        ("lmms/kick", "01"),
        ("sonic-pi/bd", "808"),
        ("hydrogen/kick", "hardest"),
        ("hydrogen/kick", "soft"),
        ("hedgewars/bee", "0"),
    ]


def test_no_package_that_evaluation_uses_trains() -> None:
    training = {c.package.name for c in COLLECTIONS.values()} | {
        PACKAGE.name,
        KLETTRES.name,
        KTUBERLING.name,
    }
    assert training & EVALUATION_PACKAGES == set()
    assert effects_module.COLLECTIONS["wesnoth"].package.name in training


def put_emoji(cache: Cache, vendors: int) -> None:
    square = '<rect width="16" height="16" fill="#ff0000"/>'
    icons = {"icons": {"red-square": {"body": square}, "flag-x": {"body": square}}}
    for number, (vendor, (version, _)) in enumerate(emoji_module.VENDORS.items()):
        package = Package(registry="npm", name=f"@iconify-json/{vendor}", version=version)
        root = put(cache, package, ["package/icons.json"])
        content = icons if number < vendors else {"icons": {}}
        (root / "package" / "icons.json").write_text(json.dumps(content))


def test_emoji_need_six_vendors(tmp_path: Path) -> None:
    put_emoji(Cache(root=tmp_path / "five"), 5)
    put_emoji(Cache(root=tmp_path / "six"), 6)
    assert emoji(Cache(root=tmp_path / "five")) == []
    items = emoji(Cache(root=tmp_path / "six"))
    assert {i.class_name for i in items} == {"redsquare"}
    assert len({i.variant for i in items}) == len(items) == 6


def test_an_emoji_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="pip install resvg-py to run this")
    cache = Cache(root=tmp_path)
    put_emoji(cache, 8)
    pixels = emoji(cache)[0].read()
    assert pixels.shape == (256, 256, 4)
    assert (pixels == np.array([255, 0, 0, 255])).all()


def test_backgrounds_are_a_part_of_their_own(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    put(cache, COLLECTIONS["scratch"].package, ["Media/Backgrounds/moon.jpg"], "backgrounds")
    assert summary(backgrounds(cache)) == [("image", "photo", "moon", "scratch")]


def test_a_mistyped_source_is_told_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'emoji'"):
        items_of("emojy", Cache(root=tmp_path))


def test_thinning_keeps_whole_classes_and_grows(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    put(cache, KLETTRES, [f"usr/share/klettres/cs/alpha/{i}.ogg" for i in range(400)])
    put(cache, KTUBERLING, ["usr/share/ktuberling/sounds/fr/hat.wav"])
    items = kde_voices(cache)
    quarter, half = thinned(items, 0.25), thinned(items, 0.5)
    assert 60 < len(quarter) < 140
    assert {i.key for i in quarter} <= {i.key for i in half}
    assert thinned(items, 1.0) == items
