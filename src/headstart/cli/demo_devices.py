"""The demo with a person's own camera and microphone: name a thing, show it, see it recognised."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from headstart.cli.terminal import counted, notice, say_json, shown

if TYPE_CHECKING:
    from headstart.runtime.recognizer import Recognizer
    from headstart.runtime.sample import Sample
    from headstart.runtime.sources.source import Source

_SHOTS = 5


def teach_and_recognise(
    camera: str | None, mic: str | None, bundle: Path | None, gallery: Path, *, as_json: bool
) -> int:
    """Ask for names and capture a few samples of each, then recognise until Ctrl-C.

    What is asked goes to stderr, so that stdout holds answers only.

    Raises:
        CaptureError: a device does not start or has stopped.
        ConfigError: a recording was named beside a microphone.
    """
    from headstart.runtime.recognizer import Recognizer

    with Recognizer.open(bundle, gallery) as recognizer:
        if not _teach(recognizer, camera, mic):
            notice("nothing was taught, so there is nothing to recognise")
            return 1
        notice("recognising; put your things away, show them again; Ctrl-C ends it")
        _recognise(recognizer, camera, mic, as_json)
        notice("to keep what is taught: headstart enroll NAME --camera … --mic …")
    return 0


def _teach(recognizer: Recognizer, camera: str | None, mic: str | None) -> int:
    """Enrol what the person names; how many things."""
    from headstart.cli.capturing import live_rate_hz
    from headstart.runtime.errors import EnrolmentError
    from headstart.runtime.gallery.names import clean_name
    from headstart.runtime.sources.stream import open_source

    taught = 0
    # A file named as a camera is played in real time, like what a camera would see.
    with open_source(camera, mic=mic, rate_hz=live_rate_hz(mic is not None), pace="real") as source:
        while True:
            name = _ask("Name of the next thing (empty to begin)")
            if not name:
                return taught
            try:
                clean_name(name)
                _ask(f"Show {shown(name)} and let it sound, then press Enter")
                recognizer.enroll(name, _captured(source, name, with_image=camera is not None))
            except EnrolmentError as error:
                notice(error)
                continue
            taught += 1


def _ask(question: str) -> str:
    # Typer's own prompt would write a space to stdout, in the middle of the answers.
    print(f"{question}: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise typer.Abort
    return answer.strip()


def _captured(source: Source, name: str, *, with_image: bool) -> list[Sample]:
    """A few usable samples of what is shown now; they are one look at one thing.

    Raises:
        CaptureError: the device has stopped or gives nothing.
        EnrolmentError: nothing usable came, with the reason.
    """
    from headstart.cli.capturing import capture
    from headstart.runtime.errors import EnrolmentError
    from headstart.runtime.sample import MODALITIES
    from headstart.runtime.sources.quality import keep_usable

    # Many things make no sound: where there is a camera, a picture is enough.
    taken = capture(source, _SHOTS, burst=name, with_image=with_image, with_sound=not with_image)
    looked = [keep_usable(sample) for sample in taken]
    kept = [usable.sample for usable in looked if usable.sample is not None]
    if not kept:
        reasons = dict.fromkeys(reason for usable in looked for reason in usable.reasons.values())
        raise EnrolmentError(
            f"nothing of {name!r} was seen or heard ({'; '.join(reasons)}); expected a picture or"
            " a sound: try again"
        )
    held = {modality for sample in kept for modality in sample.modalities}
    by = " and ".join(modality for modality in MODALITIES if modality in held)
    notice(f"taught {name} from {counted(len(kept), 'sample')} ({by})")
    return kept


def _recognise(recognizer: Recognizer, camera: str | None, mic: str | None, as_json: bool) -> None:
    from headstart.cli.run_view import RunView
    from headstart.runtime.live.pipeline import recognise_stream
    from headstart.runtime.live.stopping import StopRequest
    from headstart.runtime.sources.stream import open_source

    source = open_source(camera, mic=mic, pace="real")
    with (
        StopRequest() as stop,
        closing(recognise_stream(recognizer, source, stopped=stop.requested)) as events,
    ):
        if as_json:
            for event in events:
                say_json(event.as_json())
                sys.stdout.flush()
            return
        with RunView(several=False) as view:
            for event in events:
                view.show(event)
