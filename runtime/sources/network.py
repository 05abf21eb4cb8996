"""A live network stream with picture and sound as one device: newest wins."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import AudioClip, Frame
from headstart.runtime.sources.decode import decode
from headstart.runtime.sources.media import TIMEOUT_S, Media, open_media
from headstart.runtime.sources.newest import Newest
from headstart.runtime.sources.raw_frame import RawFrame
from headstart.runtime.sources.rolling import RollingSound


class NetworkCamera:
    """Pictures and sound of an ``rtsp``, ``http`` or other live stream.

    One thread decodes as fast as the stream comes, so a slow reader never falls behind; every
    method may be called from any thread. If the thread dies, the next read raises why.

    Args:
        uri: the stream's address.
        keep_s: seconds of sound to keep.
    """

    def __init__(self, uri: str, *, keep_s: float = 10.0) -> None:
        self.name = uri
        self._keep_s = keep_s
        self._newest: Newest[RawFrame] = Newest(uri)
        self._lock = threading.Lock()
        self._sound = RollingSound(keep_s)
        self._stop = threading.Event()
        self._started = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Connect and wait until something is decoded; safe to call when open.

        Raises:
            CaptureError: the stream cannot be reached or holds nothing.
        """
        if self._thread is not None:
            return
        self._newest, self._sound = Newest(self.name), RollingSound(self._keep_s)
        self._stop, self._started = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._thread.start()
        in_time = self._started.wait(2 * TIMEOUT_S)
        try:
            self._newest.recent(0.0)
            if not in_time:
                raise CaptureError(
                    f"{self.name} gave nothing for {2 * TIMEOUT_S:g} s; expected picture or sound:"
                    " check that the stream runs"
                )
        except CaptureError:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect; safe to call twice."""
        thread, self._thread = self._thread, None
        self._stop.set()
        if thread is not None:
            thread.join(TIMEOUT_S)

    def latest_frame(self, max_age_s: float = 1.0) -> Frame | None:
        """Return the sharpest of the newest few pictures; None if all are older than that.

        ``time_s`` is when it arrived, on ``time.monotonic``'s clock.

        Raises:
            CaptureError: not open, or the stream has stopped.
        """
        self._check_open()
        recent = self._newest.recent(max_age_s)
        if not recent:
            return None
        at_s, raw = max(recent, key=lambda timed: timed[1].sharpness())
        return Frame(pixels=raw.frame().pixels, time_s=at_s)

    def latest_sound(self, window_s: float) -> AudioClip | None:
        """Return the last ``window_s`` seconds; None before there is any, or without a track.

        Raises:
            CaptureError: not open, or the stream has stopped.
        """
        self._check_open()
        self._newest.recent(0.0)
        with self._lock:
            return self._sound.window(window_s)

    def __enter__(self) -> NetworkCamera:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._thread is None:
            raise CaptureError(f"{self.name} is not open; expected open() or a with block first")

    def _read(self) -> None:
        newest, stop = self._newest, self._stop
        try:
            with open_media(self.name) as media:
                self._keep_newest(media)
            if not stop.is_set():
                raise CaptureError(
                    "the stream ended; expected it to go on: check the camera and start again"
                )
        except Exception as error:
            newest.fail(error)
        finally:
            self._started.set()

    def _keep_newest(self, media: Media) -> None:
        for item in decode(media):
            if self._stop.is_set():
                return
            if isinstance(item, RawFrame):
                self._newest.put(item)
            else:
                with self._lock:
                    self._sound.add(item, end_s=time.monotonic())
            self._started.set()
