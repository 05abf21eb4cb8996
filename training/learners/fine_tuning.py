"""Transfer learning: a network trained on many classes at once, then fine-tuned on the support.

Chen et al.: A Closer Look at Few-shot Classification, 2019, https://arxiv.org/abs/1904.04232.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.adapter import StepTable, balanced_cross_entropy, logits, residual
from headstart.training.learners.inner_loop import Parameters, adapted, per_task
from headstart.training.learners.learner import Learner
from headstart.training.learners.multi_task import MultiTask


class FineTuning(Learner):
    """Trains as `MultiTask`; adapts body and weight rows by plain gradient descent from the means.

    Args:
        dim: length of a vector.
        classes: how many classes the training table has.
        rank: of the residual body.
        steps: of fine-tuning.
        step_size: of fine-tuning.
        scale: sharpness of the softmax.
    """

    def __init__(
        self,
        dim: int,
        *,
        classes: int,
        rank: int = 32,
        steps: int = 25,
        step_size: float = 0.1,
        scale: float = 10.0,
    ) -> None:
        super().__init__()
        self.shared = MultiTask(dim, classes=classes, rank=rank)
        self.steps = StepTable(("down", "up", "rows"), steps, step_size, learn=False)
        self.scale = scale

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""

        def support_loss(parameters: Parameters) -> Tensor:
            scores = logits(episodes.support, parameters, self.scale)
            return balanced_cross_entropy(scores, episodes.hot)

        with torch.enable_grad():
            fitted = adapted(
                support_loss, self._start(episodes), self.steps.steps(), second_order=False
            )
        return logits(episodes.queries, fitted, self.scale)

    def loss(self, episodes: Episodes) -> Tensor:
        """The shared network's loss."""
        return self.shared.loss(episodes)

    def _start(self, episodes: Episodes) -> dict[str, Tensor]:
        body = {"down": self.shared.adapter.down, "up": self.shared.adapter.up}
        start = per_task(body, len(episodes))
        features = residual(episodes.support, start["down"], start["up"])
        means = episodes.hot.mT @ features
        start["rows"] = torch.nn.functional.normalize(means, dim=-1)
        return start
