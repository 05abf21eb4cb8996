"""From what a person names to the source that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sources.camera import Camera
from headstart.runtime.sources.folder import MediaItem, items_in, media_kind, scan
from headstart.runtime.sources.live_source import LiveSource
from headstart.runtime.sources.media import is_url, open_media
from headstart.runtime.sources.media_source import MediaSource, Pace
from headstart.runtime.sources.microphone import Microphone
from headstart.runtime.sources.network import NetworkCamera
from headstart.runtime.sources.source import RATE_HZ, WINDOW_S, Source
from headstart.runtime.sources.still_source import StillSource


def open_source(
    uri: str | Path | int | Sequence[str | Path] | None,
    *,
    mic: int | str | None = None,
    rate_hz: float = RATE_HZ,
    window_s: float = WINDOW_S,
    pace: Pace = "fast",
) -> Source:
    """Choose the source for what was named; enter it to start it.

    ========================================  ====================================================
    a number, ``/dev/video0``                 that camera, with ``mic`` if one is named
    ``rtsp://…``, ``http://…`` live           the stream with its own sound, or with ``mic``'s
    ``http://…/clip.mp4``                     like the file
    a video or sound file                     decisions along its time
    a picture, a folder, a list of files      one sample for each item
    None                                      ``mic`` alone
    ========================================  ====================================================

    Args:
        uri: what to read.
        mic: microphone for live sources: index, name or ``"default"``.
        rate_hz: decisions a second; stills give one each.
        window_s: seconds of sound in each sample.
        pace: of files: ``fast`` or ``real``.

    Raises:
        CaptureError: missing, or nothing that can be read.
        ConfigError: ``mic`` beside a recording, or nothing named at all.
    """
    if isinstance(uri, int) or _is_device(uri):
        return _live(Camera(str(uri)), mic, rate_hz, window_s)
    if uri is None:
        if mic is None:
            raise ConfigError(
                "no source was named; expected a file, a folder, an address, a camera or a"
                " microphone"
            )
        return _live(None, mic, rate_hz, window_s)
    if isinstance(uri, str) and is_url(uri) and _is_live(uri):
        stream = NetworkCamera(uri, keep_s=window_s + 2)
        heard = stream if mic is None else Microphone(mic, keep_s=window_s + 2)
        return LiveSource(stream, heard, rate_hz=rate_hz, window_s=window_s)
    if mic is not None:
        raise ConfigError(
            f"a microphone was named beside {uri}, which is a recording; expected a camera beside"
            " it: leave the microphone out"
        )
    if isinstance(uri, str | Path):
        return _recorded(uri, rate_hz, window_s, pace)
    items = [item for path in uri for item in _items(Path(path))]
    return StillSource(items, name=", ".join(map(str, uri)))


def _is_device(uri: object) -> bool:
    return isinstance(uri, str | Path) and (
        str(uri).isdecimal() or str(uri).startswith("/dev/video")
    )


def _is_live(url: str) -> bool:
    if not url.startswith(("http://", "https://")):
        return True
    with open_media(url) as media:
        return media.is_live


def _live(camera: Camera | None, mic: int | str | None, rate_hz: float, window_s: float) -> Source:
    heard = None if mic is None else Microphone(mic, keep_s=window_s + 2)
    return LiveSource(camera, heard, rate_hz=rate_hz, window_s=window_s)


def _recorded(uri: str | Path, rate_hz: float, window_s: float, pace: Pace) -> Source:
    if is_url(uri):
        return MediaSource(uri, rate_hz=rate_hz, window_s=window_s, pace=pace)
    path = Path(str(uri).removeprefix("file://"))
    if path.is_dir() or media_kind(path) == "image":
        return StillSource(_items(path), name=str(path))
    if not path.exists():
        raise CaptureError(
            f"{path} does not exist; expected a file, a folder, an address or a camera's number:"
            " check the path"
        )
    return MediaSource(path, rate_hz=rate_hz, window_s=window_s, pace=pace)


def _items(path: Path) -> list[MediaItem]:
    """The items of a folder (its own files, else its class folders'), or of one file."""
    if path.is_dir():
        try:
            return items_in(path)
        except CaptureError:
            return scan(path)
    kind = media_kind(path)
    if not path.is_file() or kind is None:
        found = "is not a picture, sound or video" if path.exists() else "does not exist"
        raise CaptureError(f"{path} {found}; expected a media file: check the path")
    return [
        MediaItem(
            label="",
            stem=path.stem,
            image=path if kind == "image" else None,
            audio=path if kind == "audio" else None,
            video=path if kind == "video" else None,
        )
    ]
