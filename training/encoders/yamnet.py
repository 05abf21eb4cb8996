"""YAMNet: MobileNetV1 over log-mel patches, trained on AudioSet; the ``sound`` stream.

Hershey et al., "CNN Architectures for Large-Scale Audio Classification", 2017; the network is the
TensorFlow Models release (github.com/tensorflow/models, research/audioset/yamnet, Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from headstart.training.encoders.logmel import MelSpectrogram, htk_mel_matrix

DIM = 1024
CLASSES = 521
FRAMES = 96
"""Frames of one patch: 0.96 s of window starts, the first 15,600 samples of the second."""
_MELS = 64
_LOG_OFFSET = 0.001

# (output channels, stride) of the thirteen depthwise-separable layers.
_SEPARABLE = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
    (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip


class _SameConv(nn.Module):
    """A convolution padded as TensorFlow's SAME does it, with ReLU; batch norm is in its weights.

    Every map that a stride-2 layer sees has even sides, so its one row of padding goes below and
    to the right.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        padding = (kernel - 1) // 2 if stride == 1 else 0
        self.shift = stride == 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups)

    def forward(self, maps: Tensor) -> Tensor:
        if self.shift:
            maps = functional.pad(maps, (0, 1, 0, 1))
        return functional.relu(self.conv(maps))


class Yamnet(nn.Module):
    """One second of sound → embedding: float32 ``(batch, 16000)``, −1…1 → ``(batch, 1024)``."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = MelSpectrogram(
            htk_mel_matrix(_MELS, 125.0, 7500.0), first=0, frames=FRAMES, power=1
        )
        layers = [_SameConv(1, 32, kernel=3, stride=2, groups=1)]
        width = 32
        for outputs, stride in _SEPARABLE:
            layers.append(_SameConv(width, width, kernel=3, stride=stride, groups=width))
            layers.append(_SameConv(width, outputs, kernel=1, stride=1, groups=1))
            width = outputs
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(DIM, CLASSES)

    def patch(self, sound: Tensor) -> Tensor:
        """Sound ``(batch, 16000)`` → log-mel patch ``(batch, 96, 64)``."""
        return torch.log(self.mel(sound) + _LOG_OFFSET)

    def embed_patch(self, patch: Tensor) -> Tensor:
        """Log-mel patch ``(batch, 96, 64)`` → embedding ``(batch, 1024)``."""
        maps: Tensor = self.layers(patch[:, None])
        return maps.mean(dim=(2, 3))

    def forward(self, sound: Tensor) -> Tensor:
        """Embedding of one second; see the class."""
        return self.embed_patch(self.patch(sound))

    def classify(self, sound: Tensor) -> Tensor:
        """Logits of the 521 AudioSet classes, ``(batch, 521)``; for checks, not exported."""
        logits: Tensor = self.classifier(self(sound))
        return logits

    def load(
        self,
        convolutions: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
        classifier: tuple[NDArray[np.float32], NDArray[np.float32]],
    ) -> None:
        """Take the published weights and biases: 27 convolutions in order, and the classifier.

        Raises:
            ValueError: their number or shapes are not YAMNet's.
        """
        slots = [layer.conv for layer in self.layers if isinstance(layer, _SameConv)]
        targets: list[nn.Conv2d | nn.Linear] = [*slots, self.classifier]
        with torch.no_grad():
            for target, (weight, bias) in zip(targets, [*convolutions, classifier], strict=True):
                if target.bias is None or tuple(target.weight.shape) != weight.shape:
                    raise ValueError(f"expected weights {target.weight.shape}, got {weight.shape}")
                target.weight.copy_(torch.from_numpy(weight.copy()))
                target.bias.copy_(torch.from_numpy(bias.copy()))
