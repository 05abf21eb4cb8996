"""`headstart forget`: as if it had never been enrolled."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.gallery_file import complete_class_names, open_gallery
from headstart.cli.moment import parse_moment
from headstart.cli.options import GalleryOption, JsonOption, UnusedBundle
from headstart.cli.terminal import counted, local_time, notice, say, say_json, shown
from headstart.runtime.errors import EnrolmentError

if TYPE_CHECKING:
    from headstart.runtime.gallery.gallery import Gallery
    from headstart.runtime.gallery.records import Receipt


def forget(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The class.", autocompletion=complete_class_names)
    ],
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="ID",
            help="Only this sample of it; `headstart classes --samples` lists the ids.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only what was added since then: 2025-11-21, 2025-11-21T14:30, or 15m, 2h, 3d.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    gallery: GalleryOption = None,
    bundle: UnusedBundle = None,
    as_json: JsonOption = False,
) -> int:
    """Forget a class, or some of its samples.

    Exactly and for good: everything is then as if it had never been enrolled, in every version,
    so that rollback does not bring it back.

    \b
    headstart forget mug
    headstart forget mug --since 15m --yes
    headstart forget mug --sample 12 --yes
    """
    if sample is not None and since is not None:
        raise typer.BadParameter("give --sample or --since, not both")
    since_s = None if since is None else parse_moment(since)
    what = name if sample is None else f"sample {sample} of {name}"
    what += "" if since_s is None else f", what was added since {local_time(since_s)}"
    if not yes:
        _confirm(what)
    with open_gallery(gallery) as opened:
        receipt = _forget(opened, name, sample, since_s)
    if as_json:
        say_json(asdict(receipt))
    else:
        say(f"forgot {counted(receipt.samples, 'sample')} of {name!r} (version {receipt.version})")
    if not receipt.erased:
        notice(
            "another process reads the gallery; the forgotten bytes leave the file with the next"
            " change"
        )
    return 0


def _forget(gallery: Gallery, name: str, sample: int | None, since_s: float | None) -> Receipt:
    if since_s is not None:
        return gallery.forget_since(since_s, name=name)
    if sample is None:
        return gallery.forget(name)
    from headstart.runtime.gallery.names import clean_name, unknown_name

    ids = {record.name: record.id for record in gallery.classes()}
    class_id = ids.get(clean_name(name))
    if class_id is None:
        raise unknown_name(name, ids)
    if sample not in {stored.id for stored in gallery.samples(class_id)}:
        raise EnrolmentError(
            f"{name!r} has no sample with the id {sample}; expected one that"
            " `headstart classes --samples` lists"
        )
    return gallery.forget_sample(sample)


def _confirm(what: str) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is nobody to ask; give --yes to forget without asking")
    typer.confirm(f"Forget {shown(what)} for good?", abort=True, err=True)
