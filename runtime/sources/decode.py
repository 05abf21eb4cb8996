"""Pictures and sound of one file or stream, decoded in one pass and in time order."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import AudioClip
from headstart.runtime.sources.media import Media, mapped_errors
from headstart.runtime.sources.raw_frame import RawFrame
from headstart.runtime.sources.resample import Resampler, mono_from_av

if TYPE_CHECKING:
    import av

logger = logging.getLogger(__name__)

HOLD_S = 2.0
"""How far picture and sound may lie apart in the file and still come out in time order."""

HOLD_BYTES = 64 * 2**20
"""Compressed pictures held back while waiting for sound: the bound on memory."""

MAX_DAMAGED_PACKETS = 100
"""A live stream may lose this many packets in a row before it counts as broken."""


def decode(
    media: Media, *, image: bool = True, audio: bool = True
) -> Iterator[RawFrame | AudioClip]:
    """Yield pictures and stretches of 16 kHz sound, ordered by their first moment.

    Memory is bounded whatever the length: compressed pictures wait for the sound of their time,
    at most ``HOLD_S`` seconds and ``HOLD_BYTES`` bytes; past that, order gives way.

    Args:
        media: an open file or stream.
        image: whether to decode the picture track.
        audio: whether to decode the sound track.

    Raises:
        CaptureError: the data is damaged or ends too early. A live stream drops damaged packets.
    """
    decoder = _Decoder(media, image=image, audio=audio)
    for packet in _packets(media, decoder.tracks):
        decoder.take(packet)
        yield from decoder.ready()
    decoder.finish()
    yield from decoder.ready()
    decoder.check_length()


def picture_times(media: Media) -> Iterator[float]:
    """Yield when each picture is shown, in file order, without decoding any.

    Raises:
        CaptureError: the data is damaged.
    """
    if media.video is None:
        return
    for packet in _packets(media, [media.video]):
        ticks = packet.pts if packet.pts is not None else packet.dts
        if packet.size:
            yield float((ticks or 0) * (packet.time_base or 0)) - media.origin_s


def _packets(media: Media, tracks: list[Any]) -> Iterator[av.Packet[Any]]:
    if not tracks:
        return
    packets = media.container.demux(*tracks)
    while True:
        with mapped_errors(media.name):
            packet = next(packets, None)
        if packet is None:
            return
        # At the end comes one empty packet without a time for each track: it empties the decoder.
        # An empty packet with a time is a dropped picture, as AVI marks it.
        if packet.size or packet.dts is None:
            yield packet


class _Decoder:
    """The state of one pass: what waits for what."""

    def __init__(self, media: Media, *, image: bool, audio: bool) -> None:
        self._media = media
        self._video = media.video if image else None
        self._audio = media.audio if audio else None
        self._resampler = Resampler()
        self._packets: deque[av.Packet[Any]] = deque()
        self._packet_bytes = 0
        self._clips: deque[AudioClip] = deque()
        self._seen_s = float("-inf")
        self._heard_s = float("-inf")
        self._newest_packet_s = float("-inf")
        self._last_frame_s: float | None = None
        self._damaged_in_a_row = 0
        self._finished = False

    @property
    def tracks(self) -> list[Any]:
        """The tracks to read."""
        return [track for track in (self._video, self._audio) if track is not None]

    def take(self, packet: av.Packet[Any]) -> None:
        """Decode sound at once; keep a picture's packet until its sound is there."""
        if packet.stream is self._audio:
            for frame in self._decoded(packet):
                self._hear(frame)
        else:
            self._packets.append(packet)
            self._packet_bytes += packet.size
            self._newest_packet_s = max(self._newest_packet_s, self._packet_time(packet))

    def finish(self) -> None:
        """Stop waiting: there are no more packets."""
        self._finished = True
        self._clips.extend(self._resampler.flush())

    def ready(self) -> Iterator[RawFrame | AudioClip]:
        """Yield all that can come out in order by now."""
        while self._packets and self._picture_is_due():
            packet = self._packets.popleft()
            self._packet_bytes -= packet.size
            yield from self._in_order(self._decoded(packet))
        while self._clips and self._sound_is_due(self._clips[0]):
            yield self._clips.popleft()

    def check_length(self) -> None:
        """Refuse a FLAC file that ends before the length in its header.

        FLAC has no chunk sizes, so ``check_whole`` cannot see the cut.
        """
        media, track = self._media, self._media.audio
        if "flac" not in media.container.format.name or track is None or self._audio is None:
            return
        promised_s = float((track.duration or 0) * (track.time_base or 0))
        if promised_s - max(self._heard_s, 0.0) > 0.01:
            raise CaptureError(
                f"{media.name} is cut off: its header promises {promised_s:.2f} s and"
                f" {max(self._heard_s, 0.0):.2f} s are there; expected a whole recording: copy or"
                " record it again"
            )

    def _picture_is_due(self) -> bool:
        if self._audio is None or self._finished:
            return True
        if not self._packets[0].size:
            # The decoder's last pictures wait for the last sound.
            return False
        first_s = self._packet_time(self._packets[0])
        return (
            first_s <= self._heard_s
            or self._newest_packet_s - first_s > HOLD_S
            or self._packet_bytes > HOLD_BYTES
        )

    def _sound_is_due(self, clip: AudioClip) -> bool:
        start_s = clip.start_s or 0.0
        if self._video is None or self._finished:
            return True
        return start_s <= self._seen_s or self._heard_s - start_s > HOLD_S

    def _in_order(self, frames: list[Any]) -> Iterator[RawFrame | AudioClip]:
        for frame in frames:
            raw = RawFrame(picture=frame, time_s=self._frame_time(frame))
            while self._clips and (self._clips[0].start_s or 0.0) <= raw.time_s:
                yield self._clips.popleft()
            self._seen_s = max(self._seen_s, raw.time_s)
            yield raw

    def _hear(self, frame: av.AudioFrame) -> None:
        if frame.time is None or math.isnan(frame.time):
            start_s = max(self._heard_s, 0.0)
        else:
            start_s = frame.time - self._media.origin_s
        try:
            mono = mono_from_av(frame)
        except CaptureError as error:
            raise CaptureError(f"{self._media.name}: {error}") from error
        self._heard_s = start_s + mono.size / frame.sample_rate
        self._clips.extend(self._resampler.push(mono, frame.sample_rate, start_s))

    def _frame_time(self, frame: av.VideoFrame) -> float:
        if frame.time is not None and not math.isnan(frame.time):
            time_s = frame.time - self._media.origin_s
        elif self._last_frame_s is None:
            time_s = 0.0
        else:
            rate = self._video.average_rate if self._video is not None else None
            time_s = self._last_frame_s + 1 / float(rate or 25)
        self._last_frame_s = time_s
        return time_s

    def _packet_time(self, packet: av.Packet[Any]) -> float:
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None or packet.time_base is None:
            return self._newest_packet_s
        return float(ticks * packet.time_base) - self._media.origin_s

    def _decoded(self, packet: av.Packet[Any]) -> list[Any]:
        """Run one decoding step; a live stream may lose a packet, a file may not."""
        import av

        try:
            with mapped_errors(self._media.name):
                frames = list(packet.decode())
        except CaptureError as error:
            self._damaged_in_a_row += 1
            if isinstance(error.__cause__, av.error.EOFError):
                return []
            if not self._media.is_live or self._damaged_in_a_row > MAX_DAMAGED_PACKETS:
                raise
            logger.warning("%s: a damaged packet was dropped: %s", self._media.name, error)
            return []
        self._damaged_in_a_row = 0
        return frames
