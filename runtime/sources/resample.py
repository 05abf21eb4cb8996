"""Decoded sound of any format to mono float32 at 16 kHz."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip

if TYPE_CHECKING:
    import av

GAP_S = 0.1
"""Timestamps that jump further than this start a new stretch; less is jitter."""

MAX_PEAK = 4.0
"""Codecs overshoot ±1 a little; values beyond this are not sound scaled to −1…1."""

_FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31}


def mono_from_av(frame: av.AudioFrame) -> NDArray[np.float32]:
    """Turn a decoded frame into float32 ``(samples,)``, −1…1 where the file keeps to it.

    Mono is the plain mean of all channels, whatever their layout: the same answer for every
    decoder and every layout, and never louder than the loudest channel.

    Raises:
        CaptureError: NaN, infinite or badly scaled values, or a sample format we do not know.
    """
    kind = frame.format.name.removesuffix("p")
    raw = frame.to_ndarray()
    if kind not in _FULL_SCALE and kind not in ("flt", "dbl"):
        raise CaptureError(
            f"the sound holds {frame.format.name} samples; expected 8, 16, 24 or 32 bits or float:"
            " save it as 16-bit WAV"
        )
    channels = raw if frame.format.is_planar else raw.reshape(frame.samples, -1).T
    mean = channels.mean(axis=0, dtype=np.float64)
    if kind == "u8":
        mean -= 128
    mean /= _FULL_SCALE.get(kind, 1.0)
    if not np.isfinite(mean).all():
        raise CaptureError(
            "the sound holds NaN or infinite values; expected numbers in −1…1: save the recording"
            " again"
        )
    if mean.size and np.abs(mean).max() > MAX_PEAK:
        raise CaptureError(
            f"the sound holds values up to {np.abs(mean).max():.4g}; expected numbers in −1…1:"
            " scale the recording to full scale 1.0"
        )
    return np.asarray(mean, np.float32)


class Resampler:
    """Sound at any rate in, clips at 16 kHz out; one per stream, for one thread.

    The filter's delay is compensated: a sample keeps its time. What comes out is clipped to −1…1.
    """

    def __init__(self) -> None:
        self._filter: av.AudioResampler | None = None
        self._rate_hz = 0
        self._start_s: float | None = None
        self._taken = 0
        self._given = 0

    def push(
        self, mono: NDArray[np.float32], rate_hz: int, start_s: float | None = None
    ) -> list[AudioClip]:
        """Take float32 ``(samples,)`` at ``rate_hz``, give what is ready.

        Args:
            mono: the next stretch.
            rate_hz: its rate in hertz; may change from call to call.
            start_s: time of its first sample in seconds; None continues the stretch before.
        """
        import av

        clips: list[AudioClip] = []
        if mono.size == 0:
            return clips
        if self._filter is not None and (rate_hz != self._rate_hz or self._jumped(start_s)):
            clips += self.flush()
        if self._filter is None:
            self._filter = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE_HZ)
            self._rate_hz, self._start_s = rate_hz, start_s
            self._taken = self._given = 0
        frame = av.AudioFrame.from_ndarray(mono[None], format="fltp", layout="mono")
        frame.sample_rate = rate_hz
        self._taken += mono.size
        return clips + self._clips(self._filter.resample(frame))

    def flush(self) -> list[AudioClip]:
        """Give what the filter still holds; the next ``push`` starts a new stretch."""
        if self._filter is None:
            return []
        clips = self._clips(self._filter.resample(None))
        self._filter = None
        return clips

    def _jumped(self, start_s: float | None) -> bool:
        if start_s is None or self._start_s is None:
            return False
        return abs(start_s - (self._start_s + self._taken / self._rate_hz)) > GAP_S

    def _clips(self, frames: list[av.AudioFrame]) -> list[AudioClip]:
        clips = []
        for frame in frames:
            samples = np.clip(frame.to_ndarray()[0], -1.0, 1.0).astype(np.float32)
            if samples.size == 0:
                continue
            start_s = self._start_s
            if start_s is not None:
                start_s += self._given / SAMPLE_RATE_HZ
            self._given += samples.size
            clips.append(AudioClip(samples=samples, start_s=start_s))
        return clips
