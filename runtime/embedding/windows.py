"""Which stretches of a sound are encoded. The placement decides everything.

Measured on spoken digits across speakers, one shot: 27 % right with a badly placed window, 79 %
with the loudest second, 93 % with five windows around it whose embeddings are averaged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.bundle.manifest import AudioWindows
from headstart.runtime.sample import SAMPLE_RATE_HZ

_HOP = SAMPLE_RATE_HZ // 100
"""Energy is measured every 10 ms."""


def centred_start(samples: NDArray[np.float32], window: int) -> int:
    """First sample of the ``window`` that holds most energy near its middle.

    The energy inside the window is weighted with a Hann curve, so the sound ends up in the middle
    of its window instead of anywhere inside it, and there are no ties to break.

    Args:
        samples: float32 ``(samples,)``, −1…1.
        window: length in samples.

    Returns:
        An index that may be negative or reach past the end: a short sound is centred in silence.
    """
    padding = window // _HOP
    frames = -(-samples.size // _HOP)
    padded = np.zeros(frames * _HOP, np.float32)
    padded[: samples.size] = samples
    energy = np.square(padded.reshape(frames, _HOP)).sum(1)
    energy = np.pad(energy, padding)
    weighted = np.convolve(energy, np.hanning(padding + 2)[1:-1], "valid")
    if not weighted.any():
        return (samples.size - window) // 2
    return (int(weighted.argmax()) - padding) * _HOP


def spread_starts(samples: NDArray[np.float32], window: int, count: int) -> list[int]:
    """Up to ``count`` windows, at most half a window apart, evenly over the whole sound.

    A sound no longer than one window gives the one that centres it.
    """
    room = samples.size - window
    if room <= 0:
        return [centred_start(samples, window)]
    wanted = min(count, 1 + -(-room // (window // 2)))
    return [round(i * room / max(1, wanted - 1)) for i in range(wanted)]


def cut_windows(
    samples: NDArray[np.float32], starts: list[int], window: int
) -> NDArray[np.float32]:
    """The windows that begin at ``starts``, ``(windows, window)``, silence where nothing is."""
    before = max(0, -min(starts))
    after = max(0, max(starts) + window - samples.size)
    padded = np.pad(samples, (before, after))
    return np.stack([padded[before + s : before + s + window] for s in starts])


def audio_windows(
    samples: NDArray[np.float32], plan: AudioWindows
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cut a sound as the bundle's plan says.

    Args:
        samples: float32 ``(samples,)`` mono at 16 kHz, −1…1.
        plan: the stream's entry in the manifest.

    Returns:
        Windows float32 ``(windows, window_s · 16000)`` and their pooling weights ``(windows,)``:
        ones for ``mean``; √RMS for ``energy``, so that a pause counts for little.
    """
    window = round(plan.window_s * SAMPLE_RATE_HZ)
    if plan.placement == "loudest":
        start = centred_start(samples, window)
        starts = [start + round(offset * SAMPLE_RATE_HZ) for offset in plan.offsets_s]
    else:
        starts = spread_starts(samples, window, plan.count)
    windows = cut_windows(samples, starts, window)
    if plan.pool == "mean":
        return windows, np.ones(len(starts), np.float32)
    rms = np.sqrt(np.square(windows).mean(1))
    # A floor keeps complete silence encodable: all its windows then count the same.
    return windows, np.sqrt(np.maximum(rms, 1e-6)).astype(np.float32)
