"""The last seconds of a running sound."""

from __future__ import annotations

import numpy as np

from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip

MIN_SOUND_S = 0.05
"""Shorter sound holds nothing to recognise: about two frames of a spectrogram."""

_GAP_S = 0.1


class RollingSound:
    """Keeps the newest ``keep_s`` seconds in a fixed buffer; for one thread, or under a lock.

    Args:
        keep_s: length of the buffer in seconds.
    """

    def __init__(self, keep_s: float) -> None:
        self._samples = np.zeros(max(1, round(keep_s * SAMPLE_RATE_HZ)), np.float32)
        self._filled = 0
        self._end_s = 0.0

    @property
    def end_s(self) -> float:
        """Time after the last sample, in seconds on the clock of what was added."""
        return self._end_s

    @property
    def held_s(self) -> float:
        """Seconds of sound in the buffer."""
        return self._filled / SAMPLE_RATE_HZ

    def add(self, clip: AudioClip, *, end_s: float | None = None) -> None:
        """Append a clip; a hole in time before it becomes silence, an overlap is taken as jitter.

        Args:
            clip: the next stretch of sound.
            end_s: overrides where the clip ends; for clips without a time of their own.
        """
        if end_s is None and clip.start_s is not None:
            end_s = clip.start_s + clip.duration_s
            hole_s = clip.start_s - self._end_s
            if self._filled and hole_s > _GAP_S:
                holes = min(round(hole_s * SAMPLE_RATE_HZ), self._samples.size)
                self._append(np.zeros(holes, np.float32))
        self._append(clip.samples)
        self._end_s = self._end_s + clip.duration_s if end_s is None else end_s

    def _append(self, samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
        samples = samples[-self._samples.size :]
        # Shifting a few seconds of float32 costs microseconds and keeps reads contiguous.
        self._samples[: -samples.size or None] = self._samples[samples.size :]
        self._samples[self._samples.size - samples.size :] = samples
        self._filled = min(self._filled + samples.size, self._samples.size)

    def window(self, length_s: float, until_s: float | None = None) -> AudioClip | None:
        """Copy out the last ``length_s`` seconds before ``until_s`` (default: the newest).

        Returns:
            The clip, shorter where less is held; None under ``MIN_SOUND_S``.
        """
        size = self._samples.size
        end = size
        if until_s is not None:
            end -= max(0, round((self._end_s - until_s) * SAMPLE_RATE_HZ))
        first = max(end - round(length_s * SAMPLE_RATE_HZ), size - self._filled)
        if end - first < MIN_SOUND_S * SAMPLE_RATE_HZ:
            return None
        start_s = self._end_s - (size - first) / SAMPLE_RATE_HZ
        return AudioClip(samples=self._samples[first:end].copy(), start_s=start_s)
