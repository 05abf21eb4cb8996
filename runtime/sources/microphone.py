"""A microphone through PortAudio: its callback fills a bounded buffer of mono 16 kHz sound."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError, MissingDependency
from headstart.runtime.sample import AudioClip
from headstart.runtime.sources.resample import Resampler
from headstart.runtime.sources.rolling import RollingSound

QUIET_LIMIT_S = 2.0
"""A microphone whose callback stays away this long is gone: PortAudio does not say so itself."""

_BLOCK_S = 0.02


@dataclass(frozen=True, kw_only=True)
class MicrophoneInfo:
    """A microphone of this machine.

    Args:
        index: what ``Microphone`` takes.
        name: what the system calls it; ``Microphone`` takes it too.
        channels: how many it offers.
        rate_hz: its own rate in hertz.
    """

    index: int
    name: str
    channels: int
    rate_hz: float


def list_microphones() -> list[MicrophoneInfo]:
    """List the devices that record.

    Raises:
        MissingDependency: PortAudio is not installed.
    """
    return [
        MicrophoneInfo(
            index=index,
            name=str(device["name"]),
            channels=int(device["max_input_channels"]),
            rate_hz=float(device["default_samplerate"]),
        )
        for index, device in enumerate(_portaudio().query_devices())
        if device["max_input_channels"] > 0
    ]


class Microphone:
    """The last seconds of what a microphone hears, at any native rate and channel count.

    PortAudio's own thread writes, any thread may read; one lock. If writing fails, the next read
    raises why. Times are on ``time.monotonic``'s clock.

    Args:
        device: index or name; None or ``"default"`` for the system's choice.
        keep_s: seconds of sound to keep.
    """

    def __init__(self, device: int | str | None = None, *, keep_s: float = 10.0) -> None:
        if isinstance(device, str):
            device = int(device) if device.isdecimal() else device
        self._device = None if device == "default" else device
        self._keep_s = keep_s
        self._heard = threading.Condition()
        self._sound = RollingSound(keep_s)
        self._resampler = Resampler()
        self._error: BaseException | None = None
        self._heard_at_s = 0.0
        self._total_s = 0.0
        self._overflows = 0
        self._rate_hz = 0
        self._stream: Any = None

    @property
    def name(self) -> str:
        """The microphone in words."""
        return f"microphone {'default' if self._device is None else self._device}"

    @property
    def overflows(self) -> int:
        """How often the system lost sound because this process was too slow."""
        return self._overflows

    def open(self) -> None:
        """Start recording; safe to call when open.

        Raises:
            CaptureError: there is no such microphone, or it does not start; lists those there are.
            MissingDependency: PortAudio is not installed.
        """
        if self._stream is not None:
            return
        sd = _portaudio()
        try:
            info = sd.query_devices(self._device, "input")
        except (sd.PortAudioError, ValueError) as error:
            raise CaptureError(
                f"{self.name} is not there; expected {_choices()}: plug one in or name another"
            ) from error
        self._sound, self._resampler = RollingSound(self._keep_s), Resampler()
        self._error, self._total_s = None, 0.0
        self._heard_at_s = time.monotonic()
        self._rate_hz = round(float(info["default_samplerate"]))
        stream = None
        try:
            stream = sd.InputStream(
                samplerate=self._rate_hz,
                # Some sound servers offer 32 channels that copy two.
                channels=min(2, int(info["max_input_channels"])),
                blocksize=round(self._rate_hz * _BLOCK_S),
                device=self._device,
                dtype="float32",
                callback=self._hear,
            )
            stream.start()
        except (sd.PortAudioError, ValueError) as error:
            if stream is not None:
                stream.close()
            raise CaptureError(
                f"{self.name} does not start ({error}); expected one that no other program holds:"
                " close it there or name another"
            ) from error
        self._stream = stream

    def close(self) -> None:
        """Stop recording; safe to call twice."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def latest_sound(self, window_s: float) -> AudioClip | None:
        """Return the last ``window_s`` seconds, less at the start, None before there is any.

        Raises:
            CaptureError: the microphone is not open or has stopped.
        """
        with self._heard:
            self._check()
            return self._sound.window(window_s)

    def record(self, length_s: float) -> AudioClip:
        """Wait for ``length_s`` seconds from now on, at most ``keep_s``.

        Raises:
            CaptureError: the microphone is not open or stops, or ``keep_s`` is shorter.
        """
        if length_s > self._keep_s:
            raise CaptureError(
                f"{length_s:g} s were asked of {self.name}, which keeps {self._keep_s:g} s;"
                " expected less: open it with a larger keep_s"
            )
        with self._heard:
            self._check()
            until_s = self._total_s + length_s
            while self._total_s < until_s:
                self._heard.wait(QUIET_LIMIT_S)
                self._check()
            clip = self._sound.window(length_s)
        if clip is None:
            raise CaptureError(f"{length_s:g} s were asked of {self.name}; expected more")
        return clip

    def __enter__(self) -> Microphone:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _hear(self, block: NDArray[np.float32], frames: int, times: Any, status: Any) -> None:
        """PortAudio's callback: ``(samples, channels)`` at the native rate; must never raise."""
        now_s = time.monotonic()
        try:
            mono = block.mean(axis=1, dtype=np.float32)
            with self._heard:
                self._overflows += bool(status.input_overflow)
                self._heard_at_s = now_s
                for clip in self._resampler.push(mono, self._rate_hz):
                    # Sound cards' clocks drift by seconds a day: each block is stamped anew.
                    self._sound.add(clip, end_s=now_s)
                    self._total_s += clip.duration_s
                self._heard.notify_all()
        except Exception as error:
            with self._heard:
                self._error = error
                self._heard.notify_all()

    def _check(self) -> None:
        """Raise what went wrong; the lock is held."""
        if self._error is not None:
            raise CaptureError(
                f"{self.name} stopped: {self._error}; expected it to go on: start again"
            ) from self._error
        if self._stream is None:
            raise CaptureError(f"{self.name} is not open; expected open() or a with block first")
        quiet_s = time.monotonic() - self._heard_at_s
        if quiet_s > QUIET_LIMIT_S:
            raise CaptureError(
                f"{self.name} has given nothing for {quiet_s:.1f} s; expected sound all the time:"
                " check that it is still plugged in"
            )


def _portaudio() -> Any:
    """Import sounddevice, which raises OSError where PortAudio itself is missing."""
    try:
        import sounddevice
    except OSError as error:
        raise MissingDependency(
            "PortAudio is not installed; expected it for microphones: run"
            " `sudo apt install libportaudio2`"
        ) from error
    except ImportError as error:
        raise MissingDependency(
            "sounddevice is not installed; expected it for microphones: run"
            " `pip install sounddevice`"
        ) from error
    return sounddevice


def _choices() -> str:
    names = ", ".join(f"{mic.index} ({mic.name})" for mic in list_microphones())
    return f"one of: {names}" if names else "a microphone, and this machine has none"
