"""`headstart rollback`: back to an earlier version."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from headstart.cli.gallery_file import open_gallery
from headstart.cli.options import GalleryOption, JsonOption, UnusedBundle
from headstart.cli.terminal import counted, say, say_json


def rollback(
    version: Annotated[
        int | None,
        typer.Argument(
            help="A version of `headstart history`. Default: the one before the current.",
            show_default=False,
        ),
    ] = None,
    gallery: GalleryOption = None,
    bundle: UnusedBundle = None,
    as_json: JsonOption = False,
) -> int:
    """Go back to an earlier version.

    It becomes a new version, so that going back again undoes it. What was forgotten stays
    forgotten.

    \b
    headstart rollback
    headstart rollback 4
    """
    with open_gallery(gallery) as opened:
        receipt = opened.rollback(version)
    if as_json:
        say_json(asdict(receipt))
    else:
        moved = counted(receipt.samples, "sample")
        say(f"rolled back; {moved} came or went (version {receipt.version})")
    return 0
