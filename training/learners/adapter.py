"""The small network that gradient-based learners adapt on top of frozen embeddings."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.inner_loop import Parameters, StepSizes, per_task

BODY = ("down", "up")
HEAD = ("rows",)


def residual(x: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """``n(x + U·V·x)``: the identity at the start, where ``U`` is zero.

    Args:
        x: unit vectors ``(…, rows, dim)``.
        down: ``V`` ``(…, rank, dim)``.
        up: ``U`` ``(…, dim, rank)``.
    """
    moved = x + (x @ down.mT) @ up.mT
    return nn.functional.normalize(moved, dim=-1)


def logits(x: Tensor, parameters: Parameters, scale: Tensor | float) -> Tensor:
    """``(episodes, rows, dim)`` → ``(episodes, rows, ways)``; parameters with an episode axis."""
    features = residual(x, parameters["down"], parameters["up"])
    return scale * (features @ parameters["rows"].mT)


def balanced_cross_entropy(scores: Tensor, hot: Tensor) -> Tensor:
    """The sum over episodes of the mean over classes of each class's mean cross-entropy."""
    share = hot / hot.sum(dim=1, keepdim=True) / hot.shape[-1]
    return -(share * torch.log_softmax(scores, dim=-1)).sum()


class Adapter(nn.Module):
    """Its start: a residual of low rank, and weight rows of zero.

    A learner that must not depend on the order and number of classes can only give every class the
    same row, and the softmax does not see what all classes share: zero is as good as any. Kao, Chiu
    and Chen: MAML is a Noisy Contrastive Learner in Classification, 2022,
    https://arxiv.org/abs/2106.15367.

    Args:
        dim: length of a vector.
        rank: of the residual.
    """

    def __init__(self, dim: int, rank: int) -> None:
        super().__init__()
        # Not torch's global generator: two processes must begin alike whatever ran before.
        generator = torch.Generator().manual_seed(dim * 1000 + rank)
        self.down = nn.Parameter(torch.randn(rank, dim, generator=generator) / math.sqrt(dim))
        self.up = nn.Parameter(torch.zeros(dim, rank))

    def start(self, episodes: Episodes) -> dict[str, Tensor]:
        """Parameters for every episode: ``down``, ``up`` and ``rows`` ``(episodes, ways, dim)``."""
        tasks, _, ways = episodes.hot.shape
        start = per_task({"down": self.down, "up": self.up}, tasks)
        zero = torch.zeros(tasks, ways, self.down.shape[1], device=self.down.device)
        return {**start, "rows": zero.requires_grad_()}

    def features(self, x: Tensor) -> Tensor:
        """The body alone: ``(…, rows, dim)`` unit vectors to unit vectors."""
        return residual(x, self.down, self.up)


class StepTable(nn.Module):
    """Step sizes by step and group of parameters.

    Args:
        names: parameters that are adapted.
        steps: how many steps.
        size: of all at the start.
        learn: whether the outer loop changes them (Antoniou et al.: How to train your MAML, 2019,
            https://arxiv.org/abs/1810.09502).
    """

    def __init__(self, names: tuple[str, ...], steps: int, size: float, *, learn: bool) -> None:
        super().__init__()
        self.names = names
        start = torch.full((steps, len(names)), math.log(size))
        self.log_sizes = nn.Parameter(start, requires_grad=learn)

    def steps(self) -> list[StepSizes]:
        """One mapping a step."""
        return [dict(zip(self.names, row, strict=True)) for row in self.log_sizes.exp()]
