"""`headstart rename`: another name for the same thing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from headstart.cli.gallery_file import complete_class_names, open_gallery
from headstart.cli.options import GalleryOption, JsonOption, UnusedBundle
from headstart.cli.terminal import say, say_json


def rename(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="The class as it is called.", autocompletion=complete_class_names
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What to call it from now on.")],
    gallery: GalleryOption = None,
    bundle: UnusedBundle = None,
    as_json: JsonOption = False,
) -> int:
    """Give a class another name; its samples stay.

    \b
    headstart rename mug "Anna's mug"
    """
    with open_gallery(gallery) as opened:
        receipt = opened.rename(old, new)
    if as_json:
        say_json({"old": old, "new": new, **asdict(receipt)})
    else:
        say(f"{old!r} is called {new!r} now (version {receipt.version})")
    return 0
