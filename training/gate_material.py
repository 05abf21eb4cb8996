"""Pictures and sounds to calibrate on and to judge with, written as a data folder.

    python -m headstart.training.gate_material --split validation --out build/gate
    python -m headstart.training.gate_material --split train --out build/calibration

Calibration sees training classes only and the gate validation classes only, so that no flavour is
judged on what it was fitted to; neither ever sees an evaluation set. The folder is in the form that
`headstart eval` reads, and anybody's own `DATA/<class>/<stem>.<ext>` can stand in for it.
"""

from __future__ import annotations

import argparse
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from headstart.runtime.errors import HeadstartError
from headstart.training.sources.cache import Cache, default_root
from headstart.training.sources.camera import photograph
from headstart.training.sources.catalogue import items_of
from headstart.training.sources.gather import scenery
from headstart.training.sources.item import Item, Reading
from headstart.training.sources.media import write_sound
from headstart.training.sources.microphone import Room, heard
from headstart.training.splits import SPLITS, Split, partition

Report = Callable[[str], None]

JPEG_QUALITY = 90
MAX_SOUND_S = 3.0
"""Longer sounds are cut: the encoders look at a few seconds, and the folder stays small."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of a source goes into the folder.

    Args:
        source: its name in the catalogue.
        kinds: which of its items.
        classes: at most so many, spread over the names.
        takes: samples of each class; a class with fewer items is seen or heard again under other
            conditions.
    """

    source: str
    kinds: tuple[str, ...]
    classes: int
    takes: int


SHARES = (
    Share(source="tuxpaint", kinds=("photo",), classes=40, takes=6),
    Share(source="emoji", kinds=("drawing",), classes=20, takes=6),
    Share(source="instruments", kinds=("sound",), classes=15, takes=6),
    Share(source="effects", kinds=("sound",), classes=20, takes=6),
    Share(source="two-speaker-prompts", kinds=("speech",), classes=35, takes=6),
)


def chosen(items: Sequence[Item], share: Share, split: Split) -> dict[str, list[Item]]:
    """Class → its items of the split, for at most ``share.classes`` classes of the source.

    The classes are those whose names hash lowest: the same ones whatever else a source gains.
    """
    classes: dict[str, list[Item]] = {}
    for item in partition(items)[split]:
        if item.kind in share.kinds:
            classes.setdefault(item.class_name, []).append(item)
    names = sorted(classes, key=lambda name: zlib.crc32(b"gate" + name.encode()))
    return {name: classes[name] for name in sorted(names[: share.classes])}


def write_material(
    out: Path,
    split: Split,
    cache: Cache,
    *,
    shares: Sequence[Share] = SHARES,
    report: Report = lambda line: None,
) -> int:
    """Write the data folder and return the number of samples.

    Raises:
        ConfigError, MissingDependency, ArtifactError: as the sources.
    """
    behind = scenery(cache)
    written = 0
    for share in shares:
        classes = chosen(items_of(share.source, cache), share, split)
        count = 0
        for name, items in classes.items():
            folder = out / f"{share.source}-{re.sub('[^A-Za-z0-9_-]+', '_', name)}"
            for stem, item, array in _takes(items, share.takes):
                rng = np.random.default_rng(zlib.crc32(f"{share.source}/{name}/{stem}".encode()))
                folder.mkdir(parents=True, exist_ok=True)
                if item.modality == "image":
                    background = behind.backgrounds[int(rng.integers(len(behind.backgrounds)))]
                    _write_picture(folder / f"{stem}.jpg", photograph(array, background, rng))
                else:
                    room: Room = "clean" if stem.endswith("-0") else "mild"
                    sound = heard(array, rng, room)[: round(MAX_SOUND_S * 16_000)]
                    write_sound(folder / f"{stem}.wav", sound)
                count += 1
        report(f"{share.source}: {len(classes)} classes, {count} samples")
        written += count
    return written


def _takes(items: Sequence[Item], takes: int) -> Iterator[tuple[str, Item, NDArray[Any]]]:
    """Stem, item and array of ``takes`` samples: every item once before any comes again."""
    reading = list(Reading(items=items[:takes]))
    for number in range(takes if reading else 0):
        item, array = reading[number % len(reading)]
        yield f"{number % len(reading):02d}-{number // len(reading)}", item, array


def _write_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m headstart.training.gate_material",
        description="Write a data folder of pictures and sounds to calibrate on or to judge with.",
    )
    parser.add_argument("--split", choices=SPLITS, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--cache", type=Path, help="where downloads are kept")
    options = parser.parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    cache = Cache(root=options.cache or default_root())
    try:
        written = write_material(
            options.out,
            options.split,
            cache,
            report=lambda line: console.print(line, soft_wrap=True, markup=False),
        )
    except HeadstartError as error:
        console.print(f"error: {error}", soft_wrap=True, markup=False)
        return 1
    console.print(f"{options.out}: {written} samples", soft_wrap=True, markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
