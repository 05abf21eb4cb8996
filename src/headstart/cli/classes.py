"""`headstart classes`: what is enrolled."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headstart.cli.gallery_file import open_gallery
from headstart.cli.options import GalleryOption, JsonOption, UnusedBundle
from headstart.cli.terminal import local_time, per_stream, say, say_json, say_table

if TYPE_CHECKING:
    from headstart.runtime.gallery.records import ClassRecord, SampleRecord


def classes(
    samples: Annotated[
        bool, typer.Option("--samples", help="List every sample too, with its id for `forget`.")
    ] = False,
    gallery: GalleryOption = None,
    bundle: UnusedBundle = None,
    as_json: JsonOption = False,
) -> int:
    """List what is enrolled.

    \b
    headstart classes
    headstart classes --samples --gallery kiosk.sqlite
    """
    with open_gallery(gallery, read_only=True) as opened:
        records, version = opened.classes(), opened.version
        stored = opened.samples(role="support") if samples else ()
        path = opened.path
    if as_json:
        entries = [_as_dict(record, stored if samples else None) for record in records]
        say_json({"gallery": str(path), "version": version, "classes": entries})
    elif not records:
        say(f"nothing is enrolled in {path}")
    else:
        say_table(
            ("class", "samples", "streams", "since"),
            ((r.name, r.samples, per_stream(r.streams), local_time(r.created_s)) for r in records),
        )
        if samples:
            names = {record.id: record.name for record in records}
            say("")
            say_table(
                ("sample", "class", "added", "from"),
                (
                    (s.id, names.get(s.class_id or 0), local_time(s.added_s), s.source)
                    for s in stored
                ),
            )
    return 0


def _as_dict(record: ClassRecord, stored: tuple[SampleRecord, ...] | None) -> dict[str, Any]:
    fields = asdict(record)
    del fields["existed"]  # says something in the answer of an enrolment only
    if stored is not None:
        fields["stored"] = [
            {
                "id": sample.id,
                "source": sample.source,
                "group": sample.group,
                "added_s": sample.added_s,
                "streams": list(sample.embedding.streams),
            }
            for sample in stored
            if sample.class_id == record.id
        ]
    return fields
