"""`headstart calibrate`: what else is to be seen and heard at this place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.options import BundleOption, GalleryOption, JsonOption
from headstart.cli.terminal import counted, notice, say, say_json


def calibrate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Pictures, sounds, videos or folders of them that show nothing enrolled.",
            show_default=False,
        ),
    ],
    shots: Annotated[int, typer.Option(metavar="K", help="Samples to take from each video.")] = 1,
    gallery: GalleryOption = None,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> int:
    """Learn what is usual here.

    What is shown now is answered with "unknown" later.

    The more different things, the better: samples of one video count as one thing.

    \b
    headstart calibrate background/
    headstart calibrate empty-shelf.mp4 --shots 10
    """
    from headstart.runtime.errors import EnrolmentError
    from headstart.runtime.recognizer import Recognizer
    from headstart.runtime.sources.folder import read_samples

    reading = read_samples(paths, shots=shots)
    for file, error in reading.failures:
        said = str(error)
        notice(f"left out: {said if file.name in said else f'{file}: {said}'}")
    if not reading.samples:
        raise EnrolmentError(
            f"none of {counted(len(reading.failures), 'file')} can be used; expected a picture or"
            " a sound that can be read: see the lines above"
        )
    with Recognizer.open(bundle, gallery) as recognizer:
        added = recognizer.add_background(reading.samples)
        known = recognizer.gallery.samples(role="background")
    things = len({sample.group or sample.id for sample in known})
    if as_json:
        failures = [{"source": str(file), "reason": str(e)} for file, e in reading.failures]
        say_json({"added": added, "things": things, "failures": failures})
    else:
        say(f"added {counted(added, 'background sample')}; {counted(things, 'thing')} known here")
    return 0
