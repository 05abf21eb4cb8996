"""A small student learns from an ensemble of heads that see the whole embedding.

Hinton, Vinyals and Dean: Distilling the Knowledge in a Neural Network, 2015,
https://arxiv.org/abs/1503.02531.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner, cross_entropy
from headstart.training.learners.prototypical import Prototypical


class Distillation(Learner):
    """A projection to a few axes under prototypes, taught by the mean of the teachers' answers.

    Args:
        dim: length of a vector.
        student_dim: axes that are left.
        teachers: fitted learners; they do not change.
        warmth: temperature of teachers and student alike, at least 1.
        trust: share of the teachers in the loss, 0…1.
    """

    def __init__(
        self,
        dim: int,
        *,
        teachers: Sequence[Learner],
        student_dim: int = 128,
        warmth: float = 2.0,
        trust: float = 0.7,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(dim)
        projection = torch.randn(student_dim, dim, generator=generator) / math.sqrt(student_dim)
        self.projection = nn.Parameter(projection)
        self.student = Prototypical(student_dim)
        # A plain tuple of copies, not a module list: what teaches is neither trained nor saved.
        self._teachers = tuple(copy.deepcopy(t).requires_grad_(False) for t in teachers)
        self.warmth, self.trust = warmth, trust

    def forward(self, episodes: Episodes) -> Tensor:
        """The student's logits ``(episodes, queries, ways)``."""
        logits: Tensor = self.student(
            Episodes(
                support=self._projected(episodes.support),
                hot=episodes.hot,
                queries=self._projected(episodes.queries),
                labels=episodes.labels,
                classes=episodes.classes,
            )
        )
        return logits

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy with the labels and with the teachers' softened mean answer."""
        logits = self(episodes)
        with torch.no_grad():
            answers = [(t(episodes) / self.warmth).softmax(dim=-1) for t in self._teachers]
            taught = torch.stack(answers).mean(dim=0)
        own = torch.log_softmax(logits / self.warmth, dim=-1)
        # warmth² keeps the two gradients comparable, as in the paper.
        soft = -(taught * own).sum(dim=-1).mean() * self.warmth**2
        return self.trust * soft + (1.0 - self.trust) * cross_entropy(logits, episodes.labels)

    def _projected(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x @ self.projection.mT, dim=-1)
