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


class ProtoSteps(Learner):
    """Learns the start's sharpness and each step's size, in units of 1/λ as `fit_gradient`.

    Args:
        steps: 0–5.
        step_size: of every step at the start.
        scale: sharpness at the start.
    """

    def __init__(self, *, steps: int = 3, step_size: float = 1.0, scale: float = 8.0) -> None:
        super().__init__()
        self.log_scale = positive(scale)
        self.log_steps = nn.Parameter(torch.full((steps,), math.log(step_size)))

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""

        def score(support: Tensor, hot: Tensor, queries: Tensor) -> Tensor:
            head = fit_gradient(support, hot, self.log_scale.exp(), self.log_steps.exp())
            logits: Tensor = head.score(queries)
            return logits

        logits: Tensor = vmap(score)(episodes.support, episodes.hot, episodes.queries)
        return logits

    def learned(self) -> dict[str, Any]:
        """The scale and the relative step sizes."""
        return {
            "gradient_scale": self.log_scale.exp().item(),
            "gradient_steps": tuple(self.log_steps.exp().tolist()),
        }
