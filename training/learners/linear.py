"""The plain baseline: a linear classifier from zero on frozen embeddings, nothing meta-trained."""

from __future__ import annotations

from array_api_compat import array_namespace
from torch import Tensor
from torch.func import vmap

from headstart.runtime.heads.arrays import Array, balance, softmax
from headstart.runtime.heads.linear import LinearHead
from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.learner import Learner

ITERATIONS = 200


def fit_softmax_regression(
    x: Array, hot: Array, *, penalty: float = 1e-2, iterations: int = ITERATIONS
) -> LinearHead:
    """Minimise the balanced mean cross-entropy plus ``penalty/2·|W|²`` by Nesterov's method.

    For unit vectors the loss has a curvature of at most ``1/2 + penalty`` (Böhning, 1992), which
    gives a step that cannot diverge.

    Args:
        x: unit vectors ``(rows, dim)``.
        hot: ``(rows, ways)``.
        penalty: above 0.
        iterations: at least 1.
    """
    xp = array_namespace(x)
    weight = balance(hot)[:, None] / x.shape[0]
    step = 1.0 / (0.5 + penalty)
    root = (penalty * step) ** 0.5
    momentum = (1.0 - root) / (1.0 + root)
    weights = xp.matrix_transpose(hot) @ x * 0.0
    ahead = weights
    for _ in range(iterations):
        error = weight * (softmax(x @ xp.matrix_transpose(ahead)) - hot)
        stepped = ahead - step * (xp.matrix_transpose(error) @ x + penalty * ahead)
        ahead = stepped + momentum * (stepped - weights)
        weights = stepped
    return LinearHead(weights=weights, bias=xp.zeros_like(weights[:, 0]))


class Linear(Learner):
    """Softmax regression; no parameters."""

    def __init__(self, *, penalty: float = 1e-2) -> None:
        super().__init__()
        self.penalty = penalty

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""

        def score(support: Tensor, hot: Tensor, queries: Tensor) -> Tensor:
            head = fit_softmax_regression(support, hot, penalty=self.penalty)
            logits: Tensor = head.score(queries)
            return logits

        logits: Tensor = vmap(score)(episodes.support, episodes.hot, episodes.queries)
        return logits
