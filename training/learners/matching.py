"""Matching networks: a query attends to every support sample; nearest neighbour in the limit.

Vinyals et al.: Matching Networks for One Shot Learning, 2016, https://arxiv.org/abs/1606.04080.
"""

from __future__ import annotations

from array_api_compat import array_namespace
from torch import Tensor
from torch.func import vmap

from headstart.runtime.heads.arrays import Array
from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner, positive


def match(support: Array, hot: Array, queries: Array, sharpness: float | Array) -> Array:
    """Log of the attention that each class gets, averaged over its samples.

    Args:
        support: unit vectors ``(rows, dim)``.
        hot: ``(rows, ways)``.
        queries: unit vectors ``(queries, dim)``.
        sharpness: above 0; towards infinity the nearest sample decides alone.

    Returns:
        Logits ``(queries, ways)``.
    """
    xp = array_namespace(support)
    logits = sharpness * (queries @ xp.matrix_transpose(support))
    top = xp.max(logits, axis=-1, keepdims=True)
    share = hot / xp.sum(hot, axis=0)[None, :]
    # A class whose samples are all far away underflows to 0; the floor keeps its logarithm finite.
    return xp.log(xp.exp(logits - top) @ share + 1e-12)


class Matching(Learner):
    """Attention over the support; learns how sharp it is."""

    def __init__(self, *, sharpness: float = 10.0) -> None:
        super().__init__()
        self.log_sharpness = positive(sharpness)

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""

        def score(support: Tensor, hot: Tensor, queries: Tensor) -> Tensor:
            logits: Tensor = match(support, hot, queries, self.log_sharpness.exp())
            return logits

        logits: Tensor = vmap(score)(episodes.support, episodes.hot, episodes.queries)
        return logits
