"""`headstart history`: the versions that one can go back to."""

from __future__ import annotations

from dataclasses import asdict

from headstart.cli.gallery_file import open_gallery
from headstart.cli.options import GalleryOption, JsonOption, UnusedBundle
from headstart.cli.terminal import local_time, say_json, say_table


def history(
    gallery: GalleryOption = None, bundle: UnusedBundle = None, as_json: JsonOption = False
) -> int:
    """List the versions of the gallery.

    Oldest first; each is one change.

    \b
    headstart history
    headstart rollback 4
    """
    with open_gallery(gallery, read_only=True) as opened:
        versions = opened.history()
    if as_json:
        say_json({"versions": [asdict(version) for version in versions]})
        return 0
    rows = (
        (
            v.version,
            local_time(v.made_s),
            v.kind if v.target is None else f"{v.kind} to {v.target}",
            v.class_name or "",
            f"+{v.added} -{v.removed}",
        )
        for v in versions
    )
    say_table(("version", "made", "change", "class", "samples"), rows)
    return 0
