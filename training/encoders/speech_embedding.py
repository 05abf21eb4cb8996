"""Google's speech_embedding: a small convolutional network for spoken words; the ``speech`` stream.

Lin et al., "Training Keyword Spotters with Limited and Synthesized Speech Data", 2020. The front
end and the layers are those of the ONNX release in openWakeWord (github.com/dscripka/openWakeWord).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from headstart.training.encoders.logmel import (
    DFT_SIZE,
    HOP,
    RATE_HZ,
    WINDOW,
    MelSpectrogram,
    slaney_mel_matrix,
)

DIM = 96
FRAMES = 76
"""Mel frames that the network sees: the last 76 of the second's 97, 0.775 s of sound."""
_MELS = 32
# The published front end cuts frames of the DFT's size and centres the window in them.
_FIRST = (DFT_SIZE - WINDOW) // 2
_ALL_FRAMES = (RATE_HZ - DFT_SIZE) // HOP + 1
_INT16 = 32_768.0
_RANGE_DB = 80.0
_FLOOR = -0.4

# (output channels, kernel, pool after it); kernel and pool as (time, mel). A kernel over mel is
# padded in mel; nothing is padded in time.
_LAYERS = (
    (24, (3, 3), None), (24, (1, 3), None), (24, (3, 1), (2, 2)),
    (48, (1, 3), None), (48, (3, 1), None), (48, (1, 3), None), (48, (3, 1), (1, 2)),
    (72, (1, 3), None), (72, (3, 1), None), (72, (1, 3), None), (72, (3, 1), (2, 2)),
    (96, (1, 3), None), (96, (3, 1), None), (96, (1, 3), None), (96, (3, 1), (1, 2)),
    (96, (1, 3), None), (96, (3, 1), None), (96, (1, 3), None), (96, (3, 1), (2, 2)),
)  # fmt: skip


class _Layer(nn.Module):
    """Convolution, the published activation ``max(leaky(x), −0.4)``, and perhaps a maximum pool."""

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], pool: tuple[int, int] | None
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=(0, kernel[1] // 2))
        self.pool = pool

    def forward(self, maps: Tensor) -> Tensor:
        maps = functional.leaky_relu(self.conv(maps), 0.2).clamp(min=_FLOOR)
        return maps if self.pool is None else functional.max_pool2d(maps, self.pool)


class SpeechEmbedding(nn.Module):
    """One second of sound → embedding: float32 ``(batch, 16000)``, −1…1 → ``(batch, 96)``."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = MelSpectrogram(
            slaney_mel_matrix(_MELS, 60.0, 3800.0), first=_FIRST, frames=_ALL_FRAMES, power=2
        )
        layers, width = [], 1
        for outputs, kernel, pool in _LAYERS:
            layers.append(_Layer(width, outputs, kernel, pool))
            width = outputs
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv2d(width, DIM, (3, 1), bias=False)

    def log_mel(self, sound: Tensor) -> Tensor:
        """Sound ``(batch, 16000)`` → scaled log-mel ``(batch, 97, 32)``.

        Decibels of the int16-scaled sound, at most 80 below the loudest value of the same item
        (the published graph takes the maximum over its whole batch, which here would let one
        sound change another), then ``/10 + 2``.
        """
        power = self.mel(sound * _INT16)
        decibel = 10.0 / math.log(10.0) * torch.log(power.clamp(min=1e-10))
        loudest = decibel.amax(dim=(1, 2), keepdim=True)
        return torch.maximum(decibel, loudest - _RANGE_DB) / 10.0 + 2.0

    def embed_window(self, window: Tensor) -> Tensor:
        """Scaled log-mel ``(batch, 76, 32)`` → embedding ``(batch, 96)``."""
        maps: Tensor = self.last(self.layers(window[:, None]))
        return maps.flatten(1)

    def forward(self, sound: Tensor) -> Tensor:
        """Embedding of one second; see the class."""
        return self.embed_window(self.log_mel(sound)[:, -FRAMES:])

    def load(
        self,
        convolutions: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
        last: NDArray[np.float32],
    ) -> None:
        """Take the published weights and biases: 19 convolutions in order, and the last without.

        Raises:
            ValueError: their number or shapes are not this network's.
        """
        slots = [layer.conv for layer in self.layers if isinstance(layer, _Layer)]
        with torch.no_grad():
            for conv, (weight, bias) in zip(slots, convolutions, strict=True):
                if conv.bias is None or tuple(conv.weight.shape) != weight.shape:
                    raise ValueError(f"expected weights {conv.weight.shape}, got {weight.shape}")
                conv.weight.copy_(torch.from_numpy(weight.copy()))
                conv.bias.copy_(torch.from_numpy(bias.copy()))
            self.last.weight.copy_(torch.from_numpy(last.copy()))
