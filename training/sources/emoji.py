"""The same emoji drawn by eight vendors: class = emoji, variant = vendor."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ArtifactError, CaptureError, MissingDependency
from headstart.training.sources.cache import Cache
from headstart.training.sources.item import Item
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import unpacked

SIZE_PX = 256
MIN_VENDORS = 6

VENDORS = {
    "noto": ("1.2.9", "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad"),
    "noto-v1": ("1.2.5", "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37"),
    "twemoji": ("1.2.5", "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7"),
    "openmoji": ("1.2.29", "03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5"),
    "fluent-emoji": ("1.2.7", "8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b"),
    "fluent-emoji-flat": (
        "1.2.6", "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    ),
    "emojione": ("1.2.3", "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e"),
    "fxemoji": ("1.2.2", "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef"),
}  # fmt: skip
"""Vendor → version and sha256 of npm ``@iconify-json/<vendor>``."""

LICENCES = {
    "noto": "Apache-2.0",
    "noto-v1": "Apache-2.0",
    "twemoji": "CC BY 4.0",
    "openmoji": "CC BY-SA 4.0",
    "fluent-emoji": "MIT",
    "fluent-emoji-flat": "MIT",
    "emojione": "CC BY 4.0",
    "fxemoji": "Apache-2.0",
}


def emoji(cache: Cache) -> list[Item]:
    """Every emoji that at least ``MIN_VENDORS`` draw; skin tones and flags left out.

    Vendors spell names with and without hyphens; one without its hyphens is the class. Items read
    as uint8 ``(256, 256, rgba)``.
    """
    drawings: dict[str, dict[str, tuple[Path, str]]] = defaultdict(dict)
    for vendor, (version, sha256) in VENDORS.items():
        package = Package(
            registry="npm", name=f"@iconify-json/{vendor}", version=version, sha256=sha256
        )
        path = unpacked(package, cache, keep=("package/icons.json",)) / "package" / "icons.json"
        for icon in _icon_set(path)["icons"]:
            if "skin-tone" not in icon and not icon.startswith("flag"):
                drawings[icon.replace("-", "")][vendor] = path, icon
    return [
        _item(name, vendor, path, icon)
        for name, vendors in sorted(drawings.items())
        if len(vendors) >= MIN_VENDORS
        for vendor, (path, icon) in sorted(vendors.items())
    ]


@functools.lru_cache(maxsize=len(VENDORS))
def _icon_set(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ArtifactError(
            f"{path} is not JSON ({error}); expected an Iconify icon set: remove it, start again"
        ) from error
    return loaded


def _item(class_name: str, vendor: str, path: Path, icon: str) -> Item:
    return Item(
        key=f"{vendor}/{icon}",
        origin=functools.partial(_render, path, icon),
        modality="image",
        class_name=class_name,
        variant=vendor,
        kind="drawing",
        source="emoji",
        licence=LICENCES[vendor],
    )


def _render(path: Path, icon: str) -> NDArray[np.uint8]:
    """One icon as uint8 ``(256, 256, rgba)``."""
    import cv2

    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise MissingDependency(
            'resvg_py is not installed; it draws emoji: pip install "headstart[train]"'
        ) from error
    icons = _icon_set(path)
    drawing = icons["icons"][icon]
    width = drawing.get("width", icons.get("width", 16))
    height = drawing.get("height", icons.get("height", 16))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' viewBox="0 0 {width} {height}" width="{SIZE_PX}" height="{SIZE_PX}">'
        f"{drawing['body']}</svg>"
    )
    try:
        png = resvg_py.svg_to_bytes(
            svg_string=svg, width=SIZE_PX, height=SIZE_PX, skip_system_fonts=True
        )
    except ValueError as error:
        raise CaptureError(f"{path}: {icon} cannot be drawn ({error}); left out") from error
    coded = np.frombuffer(bytes(png), np.uint8)
    pixels = np.asarray(cv2.imdecode(coded, cv2.IMREAD_UNCHANGED), np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA), np.uint8)
