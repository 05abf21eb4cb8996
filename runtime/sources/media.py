"""Opening sound and video files and network streams, with every failure in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.runtime.errors import CaptureError
from headstart.runtime.sources.containers import ContainerDamage, check_whole
from headstart.runtime.sources.images import check_size

if TYPE_CHECKING:
    from av import AudioStream, VideoStream
    from av.container import InputContainer

TIMEOUT_S = 10.0
"""How long a network stream may take to open, or be quiet, before it counts as gone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Media:
    """An open file or network stream; valid inside ``open_media`` only.

    Args:
        name: path or address, for people to read.
        container: PyAV's container.
        video: the picture track; None where there is none or it is only a cover.
        audio: the sound track; None where there is none.
        is_live: a network stream without an end, where a damaged packet is no reason to stop.
        origin_s: the container's first timestamp in seconds; ours start at 0 there.
    """

    name: str
    container: InputContainer
    video: VideoStream | None
    audio: AudioStream | None
    is_live: bool
    origin_s: float

    @property
    def duration_s(self) -> float | None:
        """Length in seconds as the header tells it; None where it does not."""
        return None if self.container.duration is None else self.container.duration / 1e6


def is_url(uri: str | Path) -> bool:
    """Whether this names a network stream rather than a file."""
    return isinstance(uri, str) and "://" in uri and not uri.startswith("file://")


@contextmanager
def open_media(uri: str | Path) -> Iterator[Media]:
    """Open a file or an ``http(s)``, ``rtsp`` or other network address for reading.

    Raises:
        CaptureError: missing, empty, cut off, not reachable, or without picture and sound.
    """
    import av

    name = str(uri)
    address = name if is_url(uri) else _checked_file(Path(name.removeprefix("file://")))
    with mapped_errors(name):
        container = av.open(address, timeout=TIMEOUT_S if is_url(uri) else None, **_lenient())
    with container:
        yield _media(container, name, is_url(uri))


def _lenient() -> dict[str, Any]:
    """Old tags are often Latin-1: their spelling must not decide whether a file plays.

    From version 19 on PyAV sees it so itself, and no longer takes the option.
    """
    import av

    before_19 = int(av.__version__.partition(".")[0]) < 19
    return {"metadata_errors": "ignore"} if before_19 else {}


@contextmanager
def mapped_errors(name: str) -> Iterator[None]:
    """Turn PyAV's errors into ours.

    Raises:
        CaptureError: PyAV raised.
    """
    import av

    try:
        yield
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        expected = (
            "an address that answers with sound or video: check it, the network and that the"
            " stream runs"
            if is_url(name)
            else "a format that FFmpeg decodes: play it to see whether it is damaged, or convert it"
            " to MP4 or WAV"
        )
        raise CaptureError(
            f"{name} cannot be read as sound or video ({reason}); expected {expected}"
        ) from error


def _checked_file(path: Path) -> str:
    """Check that a file is there and whole, and return an address that FFmpeg reads as a file."""
    if not path.is_file():
        found = "is a folder or device" if path.exists() else "does not exist"
        raise CaptureError(f"{path} {found}; expected a sound or video file: check the path")
    try:
        check_whole(path)
    except ContainerDamage as damage:
        raise CaptureError(
            f"{path} {damage}; expected a whole recording: copy or record it again"
        ) from damage
    except OSError as error:
        raise CaptureError(
            f"{path} cannot be read ({error.strerror}); expected a readable file: check its"
            " permissions and the disk"
        ) from error
    # With the protocol named, a file called "concat:x" or "http:x" stays a file.
    return f"file:{path.absolute()}"


def _media(container: InputContainer, name: str, over_network: bool) -> Media:
    from av.stream import Disposition

    covers = Disposition.attached_pic
    video = next((s for s in container.streams.video if not s.disposition & covers), None)
    audio = next(iter(container.streams.audio), None)
    if video is None and audio is None:
        raise CaptureError(
            f"{name} holds neither picture nor sound; expected a track with at least one: check"
            " that it is a recording"
        )
    if video is not None and video.width and video.height:
        check_size(video.width, video.height, name)
    return Media(
        name=name,
        container=container,
        video=video,
        audio=audio,
        is_live=over_network and container.duration is None,
        origin_s=(container.start_time or 0) / 1e6,
    )
