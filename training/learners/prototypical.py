"""Prototypical networks: nearest class mean, in a metric that may be learned.

Snell, Swersky and Zemel, 2017, https://arxiv.org/abs/1703.05175.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import vmap

from headstart.runtime.heads.prototype import Metric, fit_prototypes
from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner, positive


class Prototypical(Learner):
    """Class means under ``metric``; learns the sharpness, and with ``learned`` the matrix too.

    Args:
        dim: length of a vector.
        metric: as in `fit_prototypes`.
        rank: rows of the learned matrix; None keeps ``dim``. It starts as the identity's first
            rows.
    """

    def __init__(self, dim: int, *, metric: Metric = "cosine", rank: int | None = None) -> None:
        super().__init__()
        self.metric: Metric = metric
        self.log_scale = positive(10.0)
        self.transform: Tensor | None = None
        if metric == "learned":
            self.transform = nn.Parameter(torch.eye(rank or dim, dim))

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""

        def score(support: Tensor, hot: Tensor, queries: Tensor) -> Tensor:
            head = fit_prototypes(support, hot, self.metric, self.transform)
            scores: Tensor = head.score(queries)
            return scores

        scores: Tensor = vmap(score)(episodes.support, episodes.hot, episodes.queries)
        return self.log_scale.exp() * scores
