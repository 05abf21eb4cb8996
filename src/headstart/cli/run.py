"""`headstart run`: recognise files, folders, streams, cameras and microphones."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import (
    BundleOption,
    GalleryOption,
    JsonOption,
    StreamsOption,
    comma_list,
)
from headstart.cli.terminal import notice, say_json

if TYPE_CHECKING:
    from headstart.runtime.live.events import Event
    from headstart.runtime.live.smoothing import Smoothing
    from headstart.runtime.recognizer import Recognizer
    from headstart.runtime.sources.source import Source


def run(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Files, folders and addresses: pictures, sounds, videos, rtsp:// or http://…",
            show_default=False,
        ),
    ] = None,
    camera: Annotated[
        list[str] | None,
        typer.Option(
            "--camera",
            metavar="URI",
            help="A camera: its number, /dev/video0 or an address; may be given several times. A"
            " file is played in real time.",
            show_default=False,
        ),
    ] = None,
    mic: Annotated[
        str | None,
        typer.Option(
            "--mic",
            metavar="DEVICE",
            help="A microphone: `default`, its name or its number; heard with the first camera.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        float, typer.Option("--rate", metavar="HZ", help="Decisions a second; 0.01 to 100.")
    ] = 4.0,
    head: Annotated[
        str, typer.Option("--head", help="How to adapt: auto, prototype, ridge, lda or gradient.")
    ] = "auto",
    far: Annotated[
        float,
        typer.Option(
            "--far", metavar="SHARE", help="Share of unknown samples that may be accepted, 0 to 1."
        ),
    ] = 0.05,
    backend: Annotated[
        str,
        typer.Option(
            "--backend", help="What runs the encoders: auto, onnxruntime, cuda or tensorrt."
        ),
    ] = "auto",
    streams: StreamsOption = None,
    gallery: GalleryOption = None,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> int:
    """Recognise what is to be seen and heard, until it ends or Ctrl-C.

    \b
    headstart run --camera 0 --mic default
    headstart run clip.mp4
    headstart run photos/ --json | jq .label

    Each thing that begins is one line. With --json, one object a line: `new` when something
    begins (a period of unknown too), `update` with each decision while it lasts, `end`. A still
    picture or sound is one `new`.
    """
    from headstart.runtime.live.stopping import StopRequest
    from headstart.runtime.recognizer import Recognizer

    with StopRequest() as stop:
        recorded, live = _open(sources or [], camera or [], mic, rate)
        with Recognizer.open(
            bundle,
            gallery,
            streams=comma_list(streams, "--streams"),
            head=head,
            false_accept_share=far,
            read_only=_exists(gallery),
            backend=backend,
        ) as recognizer:
            if recognizer.upgrade is not None:
                recognizer.upgrade.start()
            _warn_if_empty(recognizer)
            several = len(recorded) + len(live) > 1 or _are_stills(recorded)
            runs = _Runs(recognizer, _smoothing(rate), stop.requested)
            events = _after_backend(recognizer, runs.events(recorded, live))
            _show(events, several, as_json)
            return 1 if runs.failed else 0


def _after_backend(
    recognizer: Recognizer, events: Generator[Event, None, None]
) -> Generator[Event, None, None]:
    """Say what runs the encoders and why, then pass the events on.

    Only once there is one: a source that gives nothing is to be explained by its own line alone.
    """
    choice = recognizer.choice
    with closing(events):
        for event in events:
            if choice is not None:
                notice(f"backend {choice.backend}: {choice.reason}")
                choice = None
            yield event


class _Runs:
    """Recordings one after another, then everything live together, as one row of events."""

    def __init__(
        self, recognizer: Recognizer, smoothing: Smoothing, stopped: Callable[[], bool]
    ) -> None:
        from headstart.runtime.live.events import numbered

        self._recognizer = recognizer
        self._smoothing = smoothing
        self._stopped = stopped
        # The time of the start keeps ids apart between runs.
        self._next_id = numbered(f"{int(time.time()):x}-")
        self.failed = False

    def events(
        self, recorded: Sequence[Source], live: Sequence[Source]
    ) -> Generator[Event, None, None]:
        """Every event until all has ended.

        Raises:
            CaptureError: the last source failed and none gave anything; others are only noted.
        """
        from headstart.runtime.errors import CaptureError

        batches = [[source] for source in recorded] + ([list(live)] if live else [])
        for batch in batches:
            if self._stopped():
                return
            try:
                yield from self._batch(batch)
            except CaptureError as error:
                if len(batches) == 1:
                    raise
                self._note(batch[0].name, error)

    def _batch(self, batch: Sequence[Source]) -> Generator[Event, None, None]:
        from headstart.runtime.live.pipeline import recognise_streams

        yield from recognise_streams(
            self._recognizer,
            batch,
            smoothing=self._smoothing,
            next_id=self._next_id,
            stopped=self._stopped,
            failed=self._note,
        )

    def _note(self, name: str, error: Exception) -> None:
        self.failed = True
        notice(error)


def _open(
    sources: Sequence[str], cameras: Sequence[str], mic: str | None, rate: float
) -> tuple[list[Source], list[Source]]:
    """What was named, as recorded and as live sources; nothing is read yet."""
    from headstart.runtime.live.reading import policy_of
    from headstart.runtime.sources.stream import open_source

    if not sources and not cameras and mic is None:
        raise typer.BadParameter("name a file, a folder or an address, or use --camera or --mic")
    opened: list[Source] = [open_source(source, rate_hz=rate) for source in sources]
    for index, camera in enumerate(cameras):
        heard = mic if index == 0 else None
        opened.append(open_source(camera, mic=heard, rate_hz=rate, pace="real"))
    if mic is not None and not cameras:
        opened.append(open_source(None, mic=mic, rate_hz=rate))
    live = [source for source in opened if policy_of(source) == "newest"]
    return [source for source in opened if source not in live], live


def _show(events: Generator[Event, None, None], several: bool, as_json: bool) -> None:
    from headstart.cli.run_view import RunView

    with closing(events):
        if as_json:
            for event in events:
                say_json(event.as_json())
                sys.stdout.flush()
            return
        with RunView(several=several) as view:
            for event in events:
                view.show(event)


def _smoothing(rate: float) -> Smoothing:
    from headstart.runtime.live.smoothing import Smoothing

    usual = Smoothing()
    # At less than one decision a second, neighbours are further apart than a hole usually is.
    return Smoothing(gap_s=max(usual.gap_s, 2.5 / rate)) if rate > 0 else usual


def _exists(gallery: object) -> bool:
    """Only a gallery that is there can be opened for reading alone; a new one has to be made."""
    from pathlib import Path

    from headstart.runtime.gallery.location import default_gallery_path

    return (default_gallery_path() if gallery is None else Path(str(gallery))).exists()


def _warn_if_empty(recognizer: Recognizer) -> None:
    if not recognizer.classes():
        notice(
            f"nothing is enrolled in {recognizer.gallery.path}: every answer will be unknown; teach"
            " something with `headstart enroll`"
        )


def _are_stills(sources: Sequence[Source]) -> bool:
    from headstart.runtime.sources.still_source import StillSource

    return any(isinstance(source, StillSource) for source in sources)
