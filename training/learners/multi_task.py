"""Multi-task training: one shared network classifies all training classes; prototypes at test.

Wang, Zhao and Li: Bridging Multi-Task Learning and Meta-Learning, 2021,
https://arxiv.org/abs/2106.09017.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from headstart.runtime.errors import ConfigError
from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.adapter import Adapter
from headstart.training.learners.learner import Learner, cross_entropy, positive
from headstart.training.learners.prototypical import Prototypical


class MultiTask(Learner):
    """Each episode's classes are a task; its weight rows are shared with all tasks that hold them.

    Args:
        dim: length of a vector.
        classes: how many classes the training table has.
        rank: of the shared residual body.
    """

    def __init__(self, dim: int, *, classes: int, rank: int = 32) -> None:
        super().__init__()
        self.adapter = Adapter(dim, rank)
        generator = torch.Generator().manual_seed(classes)
        rows = torch.randn(classes, dim, generator=generator) / math.sqrt(dim)
        self.rows = nn.Parameter(rows)
        self.log_scale = positive(10.0)
        self.prototypes = Prototypical(dim)

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``: class means of the shared network's features."""
        logits: Tensor = self.prototypes(
            Episodes(
                support=self.adapter.features(episodes.support),
                hot=episodes.hot,
                queries=self.adapter.features(episodes.queries),
                labels=episodes.labels,
                classes=episodes.classes,
            )
        )
        return logits

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of support and queries against the shared rows of the episode's classes.

        Raises:
            ConfigError: the episodes put their classes together by themselves.
        """
        if bool((episodes.classes < 0).any()):
            raise ConfigError(
                "episodes with constructed classes came to a learner that keeps a weight row for"
                " each class; expected 'pairing' to be 'none': change [episodes] or the learner"
            )
        rows = nn.functional.normalize(self.rows[episodes.classes], dim=-1)
        x = self.adapter.features(torch.cat([episodes.support, episodes.queries], dim=1))
        labels = torch.cat([episodes.hot.argmax(dim=-1), episodes.labels], dim=1)
        return cross_entropy(self.log_scale.exp() * (x @ rows.mT), labels)
