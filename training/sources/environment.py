"""An evaluation set of environmental sounds: real takes from free games, nothing fitted on it.

``python -m headstart.training.sources.environment --out DIR`` writes ``DIR/<class>/<take>.wav``.
The packages named here are never used for training: ``EVALUATION_PACKAGES`` says which they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.training.sources.cache import Cache
from headstart.training.sources.item import Skipped
from headstart.training.sources.media import read_sound, write_sound
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import unpacked

MAX_TAKES = 16
MIN_TAKES = 6
MAX_S = 5.0
MIN_S = 0.1

PACKAGES = {
    "antiquity": Package(
        registry="debian",
        name="0ad-data",
        version="0.0.26-1",
        sha256="53745ae74d05bccf6783400fa98f3932b21729ab9d2e86151aa2c331c3455178",
    ),
    "aliens": Package(
        registry="debian",
        name="ufoai-sound",
        version="2.5-2",
        sha256="0224308c10e1265581d1829f19eaef031175390fd0eafeb4a1d558ac6561ed4e",
    ),
    "settlers": Package(
        registry="debian",
        name="widelands-data",
        version="2:1.1-3",
        sha256="0e23d645b15bcfb9e3bcae0de9bc1bdfa75a6ecb36b2e449759d6eb0b4bbd8fb",
    ),
    "towers": Package(
        registry="debian",
        name="megaglest-data",
        version="3.13.0-3",
        sha256="ed4783d9fc78e201a548b266f7c30325eb16cfd58a20bf4597dd6e622f84a07e",
    ),
    "blocks": Package(
        registry="debian",
        name="minetest-data",
        version="5.6.1+dfsg+~1.9.0mt8+dfsg-2",
        sha256="91371dd2bd51cfcd4fa60c138667989a47047dfe1a47f7523b9ad1782d397585",
    ),
}
"""Short name in ``CLASSES`` → package. Licences: CC BY-SA 3.0 (0ad, megaglest, minetest), GPL-2 or
CC (ufoai, widelands): for measuring on this machine, not for shipping."""

INNER = {"antiquity": "*/public.zip", "aliens": "*/0snd.pk3"}
"""Packages that keep their sounds in a zip file."""

EVALUATION_PACKAGES = frozenset(package.name for package in PACKAGES.values())

CLASSES: dict[str, tuple[str, ...]] = {
    "arrow-flying": ("antiquity:attack/weapon/arrowfly_*",),
    "arrow-into-wood": ("antiquity:attack/impact/arrow_wood_*",),
    "bird": ("settlers:animals/bird?_*",),
    "bow": ("antiquity:attack/weapon/bow_attack_*",),
    "cattle": ("antiquity:animal/cattle_*", "settlers:farm/ox_*", "towers:mudchute_cow*"),
    "chopping": ("antiquity:lumbering/lumber_tree_*", "settlers:woodcutting/fast_woodcutting_*"),
    "crickets": (
        "settlers:animals/crickets*", "aliens:cricket_loop", "towers:sounds/night*",
    ),
    "cry-of-pain": ("antiquity:human/death/female_death_*", "antiquity:human/death/death_*"),
    "cutting-meat": ("antiquity:gathering/gather_meat_*",),
    "door": ("blocks:doors/sounds/*", "aliens:sound/doors/*"),
    "elephant": ("antiquity:animal/elephant_*", "towers:elephant/sounds/ele*"),
    "explosion": (
        "aliens:weapons/explosion*", "aliens:combat-explosion", "aliens:combat-rocket-exp",
        "blocks:tnt_explode",
    ),
    "fire": ("aliens:ambience/*fire*", "blocks:fire_fire*", "blocks:fire_large",
        "blocks:fire_small"),
    "glass-breaking": ("aliens:misc/breakglass*", "blocks:default_break_glass*"),
    "goat": ("antiquity:fauna/death/goat_*",),
    "hammering": ("antiquity:construction/con_wood_*", "settlers:hammering/hammering_*"),
    "hoe": ("antiquity:farming/hoe_*",),
    "hoofs": ("antiquity:mounted/movement/mstep*",),
    "horse": (
        "antiquity:animal/horse_attack*", "antiquity:animal/horse_idle*",
        "antiquity:animal/horse_select*", "antiquity:animal/horse_11", "settlers:farm/horse_*",
    ),
    "leaves": ("antiquity:foraging/leaves_*",),
    "mowing": ("antiquity:gathering/gather_field_*", "settlers:farm/scythe*"),
    "pig": ("antiquity:animal/pig_*", "settlers:animals/boar"),
    "pickaxe": ("antiquity:mining/mine_stone_*",),
    "rain": ("antiquity:weather/rain_*", "towers:sounds/rain*"),
    "running-water": (
        "antiquity:ambient/water/river_*", "antiquity:ambient/water/waterfall*",
        "aliens:ambience/water*", "blocks:env_sounds_water*",
    ),
    "sawing": (
        "antiquity:construction/con_saw_*", "settlers:saw/sawing_*", "settlers:saw/benchsaw_*",
        "settlers:sawmill/sawmill_*",
    ),
    "sheep": ("antiquity:animal/sheep_*", "settlers:farm/sheep_*", "towers:sheep/sounds/sheep*"),
    "splashing": ("aliens:footsteps/splash*", "blocks:default_water_footstep*"),
    "steps-on-gravel": (
        "antiquity:singlesteps/fs_gravel*", "aliens:footsteps/gravel*",
        "blocks:default_gravel_footstep*",
    ),
    "steps-on-snow": (
        "antiquity:singlesteps/fs_snow*", "aliens:footsteps/snow*", "blocks:default_snow_footstep*",
    ),
    "steps-on-wood": (
        "antiquity:singlesteps/fs_wood*", "aliens:footsteps/wood*", "blocks:default_wood_footstep*",
    ),
    "swords": ("antiquity:weapon/swordhit*", "antiquity:impact/swordhit*"),
    "wind": (
        "antiquity:weather/wind_*", "antiquity:weather/windgust*", "antiquity:weather/*storm*",
        "aliens:arcticwind", "towers:sounds/wind*",
    ),
    "wolf": ("settlers:animals/wolf_*", "settlers:animals/coyote_*", "towers:sounds/wolf*"),
    "wood-breaking": ("aliens:misc/breakwood*", "settlers:woodcutting/tree_falling*"),
}  # fmt: skip
"""Class → where its takes are: ``package:end of the path without suffix``, shell patterns."""


def build(out: Path, cache: Cache) -> tuple[dict[str, int], list[Skipped]]:
    """Write the set under ``out``; takes written by class, and what was skipped.

    Classes with fewer than ``MIN_TAKES`` usable takes are left out. Two files with the same
    samples are one take. Where a class has more than ``MAX_TAKES``, its packages take turns.

    Raises:
        ConfigError: ``out`` exists and is not empty.
    """
    if out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty; expected a new folder: remove it or name another")
    folders = {name: _sounds(name, cache) for name in PACKAGES}
    counts: dict[str, int] = {}
    skipped: list[Skipped] = []
    for class_name, patterns in CLASSES.items():
        takes = list(_takes(patterns, folders, skipped))
        if len(takes) < MIN_TAKES:
            reason = f"{len(takes)} usable takes; expected at least {MIN_TAKES}"
            skipped.append(Skipped(key=class_name, source="environment", reason=reason))
            continue
        (out / class_name).mkdir(parents=True)
        for stem, samples in takes:
            write_sound(out / class_name / f"{stem}.wav", samples)
        counts[class_name] = len(takes)
    return counts, skipped


def _sounds(name: str, cache: Cache) -> list[Path]:
    keep = ("*.ogg", "*.wav")
    folder = unpacked(PACKAGES[name], cache, keep=keep, inner=INNER.get(name))
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _takes(
    patterns: tuple[str, ...], folders: dict[str, list[Path]], skipped: list[Skipped]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Up to ``MAX_TAKES`` different takes, patterns in turn, as (stem, samples)."""
    queues = [_matching(pattern, folders) for pattern in patterns]
    seen: set[str] = set()
    count = 0
    while any(queues) and count < MAX_TAKES:
        for queue in queues:
            if not queue or count == MAX_TAKES:
                continue
            package, path = queue.pop(0)
            try:
                samples = _cut(read_sound(path), path)
            except CaptureError as error:
                skipped.append(Skipped(key=path.name, source=package, reason=str(error)))
                continue
            digest = hashlib.sha256(samples.tobytes()).hexdigest()
            if digest not in seen:
                seen.add(digest)
                count += 1
                yield f"{package}-{path.stem}-{digest[:4]}", samples


def _matching(pattern: str, folders: dict[str, list[Path]]) -> list[tuple[str, Path]]:
    package, _, tail = pattern.partition(":")
    return [
        (package, path)
        for path in folders[package]
        if path.with_suffix("").match(tail)
    ]  # fmt: skip


def _cut(samples: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    """At most ``MAX_S`` seconds from where the sound begins (5 % of its peak).

    Raises:
        CaptureError: it is silent or shorter than ``MIN_S``.
    """
    peak = float(np.abs(samples).max())
    if peak < 1e-3 or samples.size < MIN_S * SAMPLE_RATE_HZ:
        raise CaptureError(f"{path} is silent or shorter than {MIN_S} s; expected a sound")
    first = int(np.argmax(np.abs(samples) >= 0.05 * peak))
    start = max(0, first - SAMPLE_RATE_HZ // 10)
    return samples[start : start + int(MAX_S * SAMPLE_RATE_HZ)]


def main() -> int:
    """Command line; 0 when the set was written, 1 for a clear failure."""
    import argparse
    import sys

    from headstart.runtime.errors import HeadstartError
    from headstart.training.sources.cache import default_root

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="new folder for the set")
    parser.add_argument("--cache", type=Path, default=default_root(), help="kept downloads")
    arguments = parser.parse_args()
    try:
        counts, skipped = build(arguments.out, Cache(root=arguments.cache))
    except HeadstartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{sum(counts.values())} takes of {len(counts)} classes\n")
    for item in skipped:
        sys.stdout.write(f"skipped {item.source} {item.key}: {item.reason}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
