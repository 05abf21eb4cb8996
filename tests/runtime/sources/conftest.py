"""Media made in code: every file that the tests of the sources read."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

FPS = 20
WIDTH, HEIGHT = 64, 48


def write_wav(path: Path, samples: NDArray[Any], rate_hz: int, width: int = 2) -> Path:
    """Write float −1…1 ``(samples,)`` or ``(samples, channels)`` as PCM of ``width`` bytes."""
    frames = samples.reshape(len(samples), -1)
    full_scale = 2.0 ** (8 * width - 1)
    whole = np.clip(np.round(frames * full_scale), -full_scale, full_scale - 1).astype("<i8")
    whole = whole + 128 if width == 1 else whole
    packed = whole.reshape(-1, 1).view(np.uint8)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(packed)
    return path


def write_sound(
    path: Path, samples: NDArray[Any], rate_hz: int, codec: str, layout: str = "mono"
) -> Path:
    """Encode float −1…1 ``(samples,)`` or ``(samples, channels)`` with one of FFmpeg's codecs."""
    planar = np.ascontiguousarray(samples.reshape(len(samples), -1).T, dtype=np.float32)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate_hz)
        stream.layout = layout
        _encode_sound(container, stream, planar, rate_hz, layout)
    return path


def _encode_sound(
    container: Any, stream: Any, planar: NDArray[np.float32], rate_hz: int, layout: str
) -> None:
    for start in range(0, planar.shape[1], 1024):
        part = np.ascontiguousarray(planar[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        frame.pts = start
        frame.time_base = Fraction(1, rate_hz)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_video(
    path: Path,
    pictures: list[NDArray[np.uint8]],
    sound: NDArray[Any] | None = None,
    *,
    codec: str = "mpeg4",
    pix_fmt: str = "yuv420p",
    sound_codec: str = "aac",
    rate_hz: int = 16_000,
    options: dict[str, str] | None = None,
) -> Path:
    """Encode RGB pictures at 20 a second, with mono sound beside them if there is any."""
    with av.open(str(path), "w", options=options or {}) as container:
        video: Any = container.add_stream(codec, rate=FPS) if pictures else None
        audio: Any = None if sound is None else container.add_stream(sound_codec, rate=rate_hz)
        if audio is not None:
            audio.layout = "mono"
        if video is not None:
            video.height, video.width = pictures[0].shape[:2]
            video.pix_fmt = pix_fmt
            video.bit_rate = 2_000_000
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if audio is not None and sound is not None:
            _encode_sound(container, audio, sound[None].astype(np.float32), rate_hz, "mono")
    return path


def grey(level: int, *, sharp: bool = False) -> NDArray[np.uint8]:
    """One even picture; a sharp one carries a chessboard of ±40 around its level."""
    picture = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    if sharp:
        board = (np.indices((HEIGHT, WIDTH)).sum(axis=0) // 4 % 2) * 80 - 40
        picture = np.clip(picture.astype(int) + board[..., None], 0, 255).astype(np.uint8)
    return picture


def tone(seconds: float, rate_hz: int = 16_000, *, hz: float = 440.0) -> NDArray[np.float64]:
    """A sine at half of full scale."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.asarray(0.5 * np.sin(2 * np.pi * hz * times))


@pytest.fixture
def make_wav() -> Callable[..., Path]:
    """``make_wav(path, samples, rate_hz, width=2)``: see ``write_wav``."""
    return write_wav


@pytest.fixture
def make_sound() -> Callable[..., Path]:
    """``make_sound(path, samples, rate_hz, codec, layout="mono")``: see ``write_sound``."""
    return write_sound


@pytest.fixture
def make_video() -> Callable[..., Path]:
    """``make_video(path, pictures, sound=None, …)``: see ``write_video``."""
    return write_video


@pytest.fixture
def make_grey() -> Callable[..., NDArray[np.uint8]]:
    """``make_grey(level, sharp=False)``: see ``grey``."""
    return grey


@pytest.fixture
def make_tone() -> Callable[..., NDArray[np.float64]]:
    """``make_tone(seconds, rate_hz=16000, hz=440)``: see ``tone``."""
    return tone


class _Pictures(BaseHTTPRequestHandler):
    """An MJPEG camera: ``/camera`` runs for ever, ``/short`` stops after 20 pictures."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        try:
            for index in range(20 if self.path == "/short" else 1_000):
                self._send(index)
                sleep(1 / 30)
        except OSError:
            return

    def _send(self, index: int) -> None:
        picture = np.full((HEIGHT, WIDTH, 3), (0, 0, 200), np.uint8)
        picture[:, : index % WIDTH] = 255
        jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
        head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def camera_url() -> Iterator[str]:
    """The address of an MJPEG camera on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/camera"
    server.shutdown()
    server.server_close()
    thread.join()
