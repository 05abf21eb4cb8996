"""`headstart enroll`: teach a class from files, or live."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.gallery_file import complete_class_names
from headstart.cli.options import (
    BundleOption,
    GalleryOption,
    JsonOption,
    StreamsOption,
    comma_list,
)
from headstart.cli.terminal import counted, local_time, notice, per_stream, say, say_json

if TYPE_CHECKING:
    from headstart.runtime.recognizer import Enrolment
    from headstart.runtime.sample import Sample


def enroll(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="What people call it.", autocompletion=complete_class_names
        ),
    ],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Pictures, sounds, videos, or folders of them. Files of one folder that share a"
            " name (mug.jpg, mug.wav) are one sample.",
            show_default=False,
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Take samples from a camera: 0, /dev/video0, rtsp://…, http://…",
            show_default=False,
        ),
    ] = None,
    mic: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help="Take samples from a microphone: default, an index or a name.",
            show_default=False,
        ),
    ] = None,
    shots: Annotated[
        int, typer.Option(metavar="K", help="Samples to take from each video, or live.")
    ] = 1,
    streams: StreamsOption = None,
    gallery: GalleryOption = None,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> int:
    """Teach a class, or add samples to one that is known.

    What cannot be read is named on stderr, and the rest is enrolled all the same.

    \b
    headstart enroll mug mug-1.jpg mug-2.jpg
    headstart enroll kettle kettle/ --streams sound
    headstart enroll mug --camera 0 --mic default --shots 5
    """
    from headstart.runtime.gallery.names import clean_name
    from headstart.runtime.recognizer import Recognizer

    if not paths and camera is None and mic is None:
        raise typer.BadParameter("nothing to learn from; give PATH, --camera or --mic")
    clean_name(name)  # before the encoders are loaded, and before anybody poses for the camera
    wanted = comma_list(streams, "--streams")
    with Recognizer.open(bundle, gallery, streams=wanted) as recognizer:
        given: list[Sample | str | Path] = [*(paths or [])]
        if camera is not None or mic is not None:
            given += _captured(camera, mic, shots)
        enrolment = recognizer.enroll(name, given, shots=shots)
    for source, error in enrolment.failures:
        notice(f"left out: {_reason(source, error)}")
    if as_json:
        say_json(_as_dict(enrolment))
    else:
        _say(enrolment)
    return 0


def _captured(camera: str | None, mic: str | None, shots: int) -> list[Sample]:
    from headstart.cli.capturing import SOUND_S, capture, live_rate_hz
    from headstart.runtime.sources.stream import open_source

    def report(taken: int, sample: Sample) -> None:
        notice(f"sample {taken} of {shots} taken: {' and '.join(sample.modalities)}")

    rate_hz = live_rate_hz(mic is not None)
    with open_source(camera, mic=mic, rate_hz=rate_hz, window_s=SOUND_S, pace="fast") as source:
        notice(f"watching {source.name}: show it, and turn it a little between samples")
        taken = capture(
            source,
            shots,
            burst=f"{source.name} at {local_time(time.time())}",
            with_image=camera is not None,
            with_sound=mic is not None,
            report=report,
        )
    if len(taken) < shots:
        notice(f"only {counted(len(taken), 'sample')} of {shots}: {source.name} gave no more")
    return taken


def _say(enrolment: Enrolment) -> None:
    record = enrolment.record
    added = counted(enrolment.added, "sample")
    if record.existed:
        say(
            f"added {added} to {record.name!r}, which was enrolled already:"
            f" {record.samples} now ({per_stream(record.streams)})"
        )
    else:
        say(f"enrolled {record.name!r} with {added} ({per_stream(record.streams)})")
    if enrolment.failures:
        notice(f"{counted(len(enrolment.failures), 'file')} left out, the rest was enrolled")


def _as_dict(enrolment: Enrolment) -> dict[str, object]:
    return {
        **asdict(enrolment.record),
        "added": enrolment.added,
        "failures": [
            {"source": source, "reason": str(error)} for source, error in enrolment.failures
        ],
    }


def _reason(source: str, error: Exception) -> str:
    """The reason, with the file where it does not name it."""
    said = str(error)
    return said if not source or Path(source).name in said else f"{source}: {said}"
