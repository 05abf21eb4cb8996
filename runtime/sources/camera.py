"""A local or network camera through OpenCV: one thread, one lock, the newest picture wins."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import Frame
from headstart.runtime.sources.media import is_url
from headstart.runtime.sources.newest import Newest
from headstart.runtime.sources.raw_frame import SHARPNESS_SIDE_PX, sharpness

OPEN_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 5.0
MISSES_ALLOWED = 10
"""Drivers drop a picture now and then; this many in a row means that the camera is gone."""

_VIDEO_DEVICES = Path("/sys/class/video4linux")


@dataclass(frozen=True, kw_only=True)
class CameraInfo:
    """A camera of this machine.

    Args:
        index: what ``Camera`` takes.
        name: what the driver calls it.
    """

    index: int
    name: str


def list_cameras(devices: Path = _VIDEO_DEVICES) -> list[CameraInfo]:
    """List the video devices that Linux knows, without opening any; empty on other systems.

    Drivers register more than one device for some cameras; only the lowest gives pictures then.
    """
    found = []
    for entry in devices.glob("video*"):
        number = entry.name.removeprefix("video")
        label = entry / "name"
        if number.isdecimal():
            name = label.read_text().strip() if label.is_file() else entry.name
            found.append(CameraInfo(index=int(number), name=name))
    return sorted(found, key=lambda camera: camera.index)


class Camera:
    """Pictures of a camera, always the newest.

    ``open`` starts a thread that does nothing but read; every method may be called from any
    thread. If the thread dies, the next read raises why.

    Args:
        camera: index, device file (``/dev/video0``), or address (``http://…``, ``rtsp://…``).
    """

    def __init__(self, camera: int | str = 0) -> None:
        self._camera: int | str = (
            int(camera) if isinstance(camera, str) and camera.isdecimal() else camera
        )
        self._newest: Newest[NDArray[np.uint8]] = Newest(self.name)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_read_s = float("-inf")

    @property
    def name(self) -> str:
        """The camera in words."""
        return f"camera {self._camera}"

    def open(self) -> None:
        """Open the camera and wait for its first picture; safe to call when open.

        Raises:
            CaptureError: there is no such camera, or it gives nothing; lists those there are.
        """
        if self._thread is not None:
            return
        self._check_present()
        self._newest = Newest(self.name)
        self._stop = threading.Event()
        capture = self._capture()
        self._thread = threading.Thread(
            target=_read_until,
            args=(capture, self._newest, self._stop),
            name=self.name,
            daemon=True,
        )
        self._thread.start()
        try:
            self._newest.wait_after(float("-inf"), OPEN_TIMEOUT_S)
        except CaptureError:
            self.close()
            raise

    def close(self) -> None:
        """Stop the thread and free the camera; safe to call twice."""
        thread, self._thread = self._thread, None
        self._stop.set()
        if thread is not None:
            # The thread frees the device itself: releasing it under a running read crashes.
            thread.join(READ_TIMEOUT_S)

    def read(self, timeout_s: float = READ_TIMEOUT_S) -> Frame:
        """Wait for a picture newer than the last one read.

        Raises:
            CaptureError: the camera is not open, has stopped, or gives nothing in time.
        """
        self._check_open()
        time_s, pixels = self._newest.wait_after(self._last_read_s, timeout_s)
        self._last_read_s = time_s
        return _frame(time_s, pixels)

    def latest_frame(self, max_age_s: float = 1.0) -> Frame | None:
        """Return the sharpest of the newest few pictures; None if all are older than that.

        ``time_s`` is on ``time.monotonic``'s clock.

        Raises:
            CaptureError: the camera is not open or has stopped.
        """
        self._check_open()
        recent = self._newest.recent(max_age_s)
        if not recent:
            return None
        return _frame(*max(recent, key=lambda timed: _sharpness(timed[1])))

    def __enter__(self) -> Camera:
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

    def _check_present(self) -> None:
        """On Linux a missing device shows in its file, before OpenCV prints warnings about it."""
        if is_url(str(self._camera)) or not sys.platform.startswith("linux"):
            return
        file = Path(f"/dev/video{self._camera}" if isinstance(self._camera, int) else self._camera)
        if not file.exists():
            raise CaptureError(
                f"{self.name} is not there; expected {_choices()}: plug one in or name another"
            )

    def _capture(self) -> Any:
        import cv2

        if is_url(str(self._camera)):
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                round(OPEN_TIMEOUT_S * 1000),
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                round(READ_TIMEOUT_S * 1000),
            ]
            capture = cv2.VideoCapture(str(self._camera), cv2.CAP_FFMPEG, limits)
        else:
            capture = cv2.VideoCapture(self._camera)
            # A driver's queue would hand out old pictures first.
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if not capture.isOpened():
            capture.release()
            raise CaptureError(self._refusal())
        return capture

    def _refusal(self) -> str:
        if is_url(str(self._camera)):
            return (
                f"{self.name} does not open; expected a stream of pictures: check the address, the"
                " network and that the stream runs"
            )
        return (
            f"{self.name} is there but does not open; expected {_choices()}: close other programs"
            " that use it, and check that you are in the group `video`"
        )


def _choices() -> str:
    cameras = ", ".join(f"{camera.index} ({camera.name})" for camera in list_cameras())
    return f"one of: {cameras}" if cameras else "a camera, and this machine has none"


def _read_until(capture: Any, newest: Newest[NDArray[np.uint8]], stop: threading.Event) -> None:
    """The thread: read until told to stop; leave the reason if the camera gives out."""
    misses = 0
    try:
        while not stop.is_set():
            there, pixels = capture.read()
            if there:
                misses = 0
                newest.put(pixels)
                continue
            misses += 1
            if misses > MISSES_ALLOWED:
                raise CaptureError(
                    "it gives no more pictures; expected several a second: check its cable or"
                    " network and start again"
                )
            time.sleep(0.01)
    except Exception as error:
        newest.fail(error)
    finally:
        capture.release()


def _frame(time_s: float, pixels: NDArray[np.uint8]) -> Frame:
    """Convert OpenCV's BGR, on the reader's thread and only what is used."""
    import cv2

    return Frame(
        pixels=np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8), time_s=time_s
    )


def _sharpness(pixels: NDArray[np.uint8]) -> float:
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, SHARPNESS_SIDE_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return sharpness(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8))
