"""Mel spectrograms from nothing but a convolution and a matrix product.

TensorRT before 10.5 has no STFT operator, so the windowed DFT is a Conv1d with fixed kernels. Both
audio encoders use a 25 ms periodic Hann window, a hop of 10 ms and a 512-point DFT at 16 kHz.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

RATE_HZ = 16_000
WINDOW = 400
"""Window length in samples (25 ms)."""
HOP = 160
"""Hop in samples (10 ms)."""
DFT_SIZE = 512
BINS = DFT_SIZE // 2 + 1

Matrix = NDArray[np.float64]


def _bin_hz() -> Matrix:
    """Centre frequency of each DFT bin in hertz, ``(bins,)``."""
    return np.arange(BINS, dtype=np.float64) * (RATE_HZ / DFT_SIZE)


def _triangles(position: Matrix, edges: Matrix) -> Matrix:
    """Triangles ``(bins, mels)`` over ``position`` ``(bins,)``, each 1 at its inner edge."""
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (position[:, None] - low) / (centre - low)
    falling = (high - position[:, None]) / (high - centre)
    return np.maximum(0.0, np.minimum(rising, falling))


def htk_mel_matrix(mels: int, low_hz: float, high_hz: float) -> Matrix:
    """HTK mel filters as TensorFlow builds them, ``(bins, mels)``.

    The triangles are straight in mel, not in hertz, and the DC bin is left out:
    ``tf.signal.linear_to_mel_weight_matrix``, with which YAMNet was trained.
    """

    def mel(hz: Matrix) -> Matrix:
        return 1127.0 * np.log1p(hz / 700.0)

    ends = mel(np.array([low_hz, high_hz]))
    matrix = _triangles(mel(_bin_hz()), np.linspace(ends[0], ends[1], mels + 2))
    matrix[0] = 0.0
    return matrix


def slaney_mel_matrix(mels: int, low_hz: float, high_hz: float) -> Matrix:
    """Slaney mel filters of unit area, ``(bins, mels)``: librosa's default.

    The scale is linear up to 1 kHz and logarithmic above; triangles are straight in hertz.
    """
    linear_step, knee_hz, knee_mel = 200.0 / 3.0, 1000.0, 15.0
    log_step = np.log(6.4) / 27.0

    def mel(hz: float) -> float:
        if hz < knee_hz:
            return hz / linear_step
        return knee_mel + float(np.log(hz / knee_hz)) / float(log_step)

    steps = np.linspace(mel(low_hz), mel(high_hz), mels + 2)
    edges = np.where(
        steps < knee_mel, steps * linear_step, knee_hz * np.exp(log_step * (steps - knee_mel))
    )
    return _triangles(_bin_hz(), edges) * (2.0 / (edges[2:] - edges[:-2]))


def _dft_kernels(bins: NDArray[np.intp]) -> Tensor:
    """Windowed cosine and −sine kernels, float32 ``(2·bins, 1, window)``."""
    n = np.arange(WINDOW)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / WINDOW)
    # The argument is reduced modulo the DFT size while still an integer: no large-angle rounding.
    angle = 2 * np.pi * ((bins[:, None] * n) % DFT_SIZE) / DFT_SIZE
    kernels = np.concatenate([np.cos(angle), -np.sin(angle)]) * hann
    return torch.from_numpy(kernels[:, None, :].astype(np.float32))


class MelSpectrogram(nn.Module):
    """Sound → mel energies: float32 ``(batch, samples)`` → ``(batch, frames, mels)``, not yet log.

    Args:
        mel_matrix: ``(bins, mels)``; bins that no filter uses are never computed.
        first: sample at which the first window starts.
        frames: how many windows are taken.
        power: 1 for filters over magnitudes, 2 for filters over squared magnitudes.
    """

    def __init__(self, mel_matrix: Matrix, *, first: int, frames: int, power: int) -> None:
        super().__init__()
        used = np.flatnonzero(mel_matrix.any(axis=1))
        self.register_buffer("kernels", _dft_kernels(used), persistent=False)
        filters = torch.from_numpy(mel_matrix[used].astype(np.float32))
        self.register_buffer("filters", filters, persistent=False)
        self.kernels: Tensor
        self.filters: Tensor
        self.first = first
        self.last = first + (frames - 1) * HOP + WINDOW
        self.power = power

    def forward(self, sound: Tensor) -> Tensor:
        """Mel energies of every frame; see the class."""
        stretch = sound[:, None, self.first : self.last]
        parts = functional.conv1d(stretch, self.kernels, stride=HOP)
        real, imaginary = parts.chunk(2, dim=1)
        spectrum = real * real + imaginary * imaginary
        if self.power == 1:
            spectrum = spectrum.sqrt()
        return spectrum.transpose(1, 2) @ self.filters
