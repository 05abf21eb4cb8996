"""Features scaled and shifted by what the support shows: a task-conditioned prototypical network.

Requeima et al.: Fast and Flexible Multi-Task Classification Using Conditional Neural Adaptive
Processes, 2019, https://arxiv.org/abs/1906.07697; FiLM: https://arxiv.org/abs/1709.07871.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner
from headstart.training.learners.prototypical import Prototypical


class Film(Learner):
    """A hypernetwork reads the support's mean and spread, and conditions every vector on it.

    Args:
        dim: length of a vector.
        hidden: width of the hypernetwork. Its last layer starts at zero: plain prototypes.
    """

    def __init__(self, dim: int, *, hidden: int = 32) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(dim)
        first = torch.randn(hidden, 2 * dim, generator=generator) / math.sqrt(2 * dim)
        self.first = nn.Parameter(first)
        self.last = nn.Parameter(torch.zeros(2 * dim, hidden))
        self.prototypes = Prototypical(dim)

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""
        support = episodes.support
        spread, mean = torch.var_mean(support, dim=1, correction=0)
        deviation = (spread + 1e-6).sqrt()
        seen = torch.cat([mean, deviation], dim=-1)
        scale, shift = (torch.relu(seen @ self.first.mT) @ self.last.mT).chunk(2, dim=-1)

        def conditioned(x: Tensor) -> Tensor:
            moved = x * (1.0 + scale[:, None, :]) + shift[:, None, :]
            return nn.functional.normalize(moved, dim=-1)

        logits: Tensor = self.prototypes(
            Episodes(
                support=conditioned(support),
                hot=episodes.hot,
                queries=conditioned(episodes.queries),
                labels=episodes.labels,
                classes=episodes.classes,
            )
        )
        return logits
