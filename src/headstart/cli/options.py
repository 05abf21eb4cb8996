"""Options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from headstart.runtime.errors import ConfigError

GalleryOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--gallery",
        metavar="PATH",
        help="The gallery file. Default: headstart/gallery.sqlite in your data folder.",
        show_default=False,
    ),
]
BundleOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        metavar="PATH",
        help="A bundle: folder or .zip. Default: the starter bundle, installed with headstart.",
        show_default=False,
    ),
]
UnusedGallery: TypeAlias = Annotated[Path | None, typer.Option("--gallery", hidden=True)]
"""Accepted everywhere, so that one set of options serves all commands of a script."""
UnusedBundle: TypeAlias = Annotated[Path | None, typer.Option("--bundle", hidden=True)]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one line of JSON instead of text.")
]
StreamsOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--streams",
        metavar="LIST",
        help="Streams to use, separated by commas: image, sound, speech. Default: all.",
        show_default=False,
    ),
]


def comma_list(text: str | None, option: str) -> tuple[str, ...] | None:
    """The parts of ``a,b``; None where nothing was given.

    Raises:
        ConfigError: a part is empty, or one comes twice.
    """
    if text is None:
        return None
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts) or len(set(parts)) < len(parts):
        raise ConfigError(
            f"{option} was given {text!r}; expected names separated by commas, each once"
        )
    return parts
