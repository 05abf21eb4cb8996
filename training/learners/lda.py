"""Linear discriminant analysis with a meta-learned shrinkage towards the bundle's covariance."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.func import vmap

from headstart.runtime.heads.lda import fit_lda
from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner, positive


class Lda(Learner):
    """Learns how many samples the prior covariance counts for, and how sharp the scores are.

    Args:
        covariance: within-class covariance ``(dim, dim)`` of training classes; None is a multiple
            of the identity.
        prior_rows: at the start.
    """

    covariance: Tensor | None

    def __init__(self, *, covariance: Tensor | None = None, prior_rows: float = 50.0) -> None:
        super().__init__()
        self.register_buffer("covariance", covariance)
        self.log_prior_rows = positive(prior_rows)
        self.log_scale = positive(0.05)

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""

        def score(support: Tensor, hot: Tensor, queries: Tensor) -> Tensor:
            head = fit_lda(support, hot, self.covariance, self.log_prior_rows.exp())
            scores: Tensor = head.score(queries)
            return scores

        scores: Tensor = vmap(score)(episodes.support, episodes.hot, episodes.queries)
        return self.log_scale.exp() * scores

    def learned(self) -> dict[str, Any]:
        """The prior's weight in samples."""
        return {"lda_prior_rows": self.log_prior_rows.exp().item()}
