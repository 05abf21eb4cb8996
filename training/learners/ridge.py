"""Ridge regression with a meta-learned penalty (R2D2).

Bertinetto et al.: Meta-learning with differentiable closed-form solvers, 2019,
https://arxiv.org/abs/1805.08136.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.func import vmap

from headstart.runtime.heads.ridge import fit_ridge
from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner, positive


class Ridge(Learner):
    """Learns the penalty and how sharp the scores are."""

    def __init__(self, *, penalty: float = 0.3, scale: float = 8.0) -> None:
        super().__init__()
        self.log_penalty = positive(penalty)
        self.log_scale = positive(scale)

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""

        def score(support: Tensor, hot: Tensor, queries: Tensor) -> Tensor:
            scores: Tensor = fit_ridge(support, hot, self.log_penalty.exp()).score(queries)
            return scores

        scores: Tensor = vmap(score)(episodes.support, episodes.hot, episodes.queries)
        return self.log_scale.exp() * scores

    def learned(self) -> dict[str, Any]:
        """The penalty."""
        return {"ridge_penalty": self.log_penalty.exp().item()}
