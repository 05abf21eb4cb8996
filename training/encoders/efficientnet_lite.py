"""EfficientNet-Lite, trained on ImageNet; the ``image`` stream.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019; the
Lite family (no squeeze-and-excite, ReLU6, stem and head not scaled) is described in
github.com/tensorflow/tpu, models/official/efficientnet/lite (Apache-2.0).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

DIM = 1280
CLASSES = 1000
_STEM = 32
_BATCH_NORM_EPSILON = 1e-3
_PIXEL_MEAN, _PIXEL_SCALE = 127.0, 128.0

# (repeats, kernel, stride, expansion, output channels) of the seven stages at width and depth 1.
_STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One size of the family: channel and layer multipliers, and the side it was trained at."""

    width: float
    depth: float
    side_px: int


LITE0 = Variant(width=1.0, depth=1.0, side_px=224)
LITE2 = Variant(width=1.1, depth=1.2, side_px=260)


def _channels(base: int, width: float) -> int:
    """``base × width`` rounded to a multiple of 8, never more than 10 % down."""
    scaled = base * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


class _ConvNorm(nn.Module):
    """Convolution with TensorFlow's SAME padding for a known input side, then batch norm."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, stride: int, groups: int, side_px: int
    ) -> None:
        super().__init__()
        total = max((math.ceil(side_px / stride) - 1) * stride + kernel - side_px, 0)
        before, after = total // 2, total - total // 2
        # SAME puts the odd row below and right; a convolution's own padding cannot.
        self.extra = (before, after, before, after) if before != after else None
        padding = 0 if self.extra else before
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=_BATCH_NORM_EPSILON)

    def forward(self, maps: Tensor) -> Tensor:
        if self.extra is not None:
            maps = functional.pad(maps, self.extra)
        normed: Tensor = self.norm(self.conv(maps))
        return normed

    def fold(self) -> None:
        """Move the batch norm into the convolution; for inference only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class _Block(nn.Module):
    """Inverted residual: expand, filter each channel, project; added to its input where it fits."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int, side_px: int
    ) -> None:
        super().__init__()
        inner = inputs * expansion
        out_px = math.ceil(side_px / stride)
        self.expand = (
            _ConvNorm(inputs, inner, kernel=1, stride=1, groups=1, side_px=side_px)
            if expansion > 1
            else None
        )
        self.depthwise = _ConvNorm(
            inner, inner, kernel=kernel, stride=stride, groups=inner, side_px=side_px
        )
        self.project = _ConvNorm(inner, outputs, kernel=1, stride=1, groups=1, side_px=out_px)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        inner = maps if self.expand is None else functional.relu6(self.expand(maps))
        projected: Tensor = self.project(functional.relu6(self.depthwise(inner)))
        return projected + maps if self.residual else projected


class EfficientNetLite(nn.Module):
    """Picture → embedding: uint8 ``(batch, side, side, rgb)`` → float32 ``(batch, 1280)``, 0…6."""

    def __init__(self, variant: Variant = LITE0) -> None:
        super().__init__()
        self.variant = variant
        side = variant.side_px
        self.stem = _ConvNorm(3, _STEM, kernel=3, stride=2, groups=1, side_px=side)
        side, width, blocks = math.ceil(side / 2), _STEM, []
        for stage, (repeats, kernel, stride, expansion, base) in enumerate(_STAGES):
            scaled = stage not in (0, len(_STAGES) - 1)
            outputs = _channels(base, variant.width)
            for repeat in range(math.ceil(repeats * variant.depth) if scaled else repeats):
                step = stride if repeat == 0 else 1
                blocks.append(
                    _Block(
                        width, outputs,
                        kernel=kernel, stride=step, expansion=expansion, side_px=side,
                    )
                )  # fmt: skip
                side, width = math.ceil(side / step), outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = _ConvNorm(width, DIM, kernel=1, stride=1, groups=1, side_px=side)
        self.classifier = nn.Linear(DIM, CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embedding of each picture; see the class."""
        # To float first: TensorRT can cast uint8 and nothing else.
        numbers = (pixels.to(torch.float32) - _PIXEL_MEAN) / _PIXEL_SCALE
        maps = numbers.permute(0, 3, 1, 2)
        maps = self.blocks(functional.relu6(self.stem(maps)))
        return functional.relu6(self.head(maps)).mean(dim=(2, 3))

    def classify(self, pixels: Tensor) -> Tensor:
        """Logits of the 1,000 ImageNet classes, ``(batch, 1000)``; for checks, not exported."""
        logits: Tensor = self.classifier(self(pixels))
        return logits

    def load(self, published: Mapping[str, Tensor]) -> None:
        """Take the published state dict.

        Raises:
            RuntimeError: a tensor is missing, left over or of another shape.
        """
        renamed = dict(_renamed(published))
        # The published file counts training batches, which inference never reads.
        counters = {k: v for k, v in self.state_dict().items() if k.endswith("num_batches_tracked")}
        self.load_state_dict({**counters, **renamed})

    def fold(self) -> EfficientNetLite:
        """Move every batch norm into its convolution; the module must be in eval mode."""
        for part in self.modules():
            if isinstance(part, _ConvNorm):
                part.fold()
        return self


_PARTS = {
    "_expand_conv": "expand.conv", "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv", "_bn1": "depthwise.norm",
    "_project_conv": "project.conv", "_bn2": "project.norm",
}  # fmt: skip
_ENDS = {
    "_conv_stem": "stem.conv", "_bn0": "stem.norm",
    "_conv_head": "head.conv", "_bn1": "head.norm", "_fc": "classifier",
}  # fmt: skip


def _renamed(published: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """The published tensors under this module's names."""
    for name, value in published.items():
        parts = name.split(".")
        if parts[0] == "_blocks":
            yield f"blocks.{parts[1]}.{_PARTS[parts[2]]}.{parts[3]}", value
        else:
            yield f"{_ENDS[parts[0]]}.{parts[1]}", value
