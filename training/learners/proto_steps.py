"""Prototypes improved by a few gradient steps whose sizes are meta-learned.

Triantafillou et al.: Meta-Dataset (Proto-MAML), 2020, https://arxiv.org/abs/1903.03096; Li et al.:
Meta-SGD, 2017, https://arxiv.org/abs/1707.09835.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from headstart.runtime.heads.gradient import fit_gradient
from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner, positive

STEP_LIMIT = 4.0
"""Gradient descent cannot diverge below 2/L. The softmax's curvature is at most half the features'
second moment (Böhning: Multinomial Logistic Regression Algorithm, 1992), and steps are in units of
1/λ of that moment, so 2/L is 4. Left free, learned steps grew to 34, without any guarantee on data
of another kind."""


class ProtoSteps(Learner):
    """Learns the start's sharpness and each step's size, in units of 1/λ as `fit_gradient`.

    Args:
        steps: 0–5.
        step_size: of every step at the start, below ``STEP_LIMIT``.
        scale: sharpness at the start.
    """

    def __init__(self, *, steps: int = 3, step_size: float = 1.0, scale: float = 8.0) -> None:
        super().__init__()
        self.log_scale = positive(scale)
        odds = step_size / (STEP_LIMIT - step_size)
        self.raw_steps = nn.Parameter(torch.full((steps,), math.log(odds)))

    @property
    def step_sizes(self) -> Tensor:
        """``(steps,)``, between 0 and ``STEP_LIMIT``."""
        return STEP_LIMIT * torch.sigmoid(self.raw_steps)

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""

        def score(support: Tensor, hot: Tensor, queries: Tensor) -> Tensor:
            head = fit_gradient(support, hot, self.log_scale.exp(), self.step_sizes)
            logits: Tensor = head.score(queries)
            return logits

        logits: Tensor = vmap(score)(episodes.support, episodes.hot, episodes.queries)
        return logits

    def learned(self) -> dict[str, Any]:
        """The scale and the relative step sizes."""
        return {
            "gradient_scale": self.log_scale.exp().item(),
            "gradient_steps": tuple(self.step_sizes.tolist()),
        }
