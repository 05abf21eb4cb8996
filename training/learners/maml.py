"""MAML, and ANIL, which is MAML whose inner loop leaves the body alone.

Finn, Abbeel and Levine, 2017, https://arxiv.org/abs/1703.03400; Raghu et al.: Rapid Learning or
Feature Reuse? (ANIL), 2020, https://arxiv.org/abs/1909.09157.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.adapter import (
    HEAD,
    Adapter,
    StepTable,
    balanced_cross_entropy,
    logits,
)
from headstart.training.learners.inner_loop import Parameters, adapted
from headstart.training.learners.learner import Learner, positive


class Maml(Learner):
    """Learns a start from which a few gradient steps on the support go far.

    Args:
        dim: length of a vector.
        rank: of the residual body.
        steps: inner steps.
        step_size: of the inner loop at the start.
        second_order: False is first-order MAML.
        learn_steps: learn the step sizes too.
        names: what the inner loop changes.
    """

    def __init__(
        self,
        dim: int,
        *,
        rank: int = 32,
        steps: int = 5,
        step_size: float = 0.5,
        second_order: bool = True,
        learn_steps: bool = True,
        names: tuple[str, ...] = ("down", "up", "rows"),
    ) -> None:
        super().__init__()
        self.adapter = Adapter(dim, rank)
        self.log_scale = positive(10.0)
        self.second_order = second_order
        self.steps = StepTable(names, steps, step_size, learn=learn_steps)

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""
        scale = self.log_scale.exp()

        def support_loss(parameters: Parameters) -> Tensor:
            scores = logits(episodes.support, parameters, scale)
            return balanced_cross_entropy(scores, episodes.hot)

        learning = torch.is_grad_enabled()
        with torch.enable_grad():
            fitted = adapted(
                support_loss,
                self.adapter.start(episodes),
                self.steps.steps(),
                second_order=self.second_order and learning,
            )
        return logits(episodes.queries, fitted, scale)


def anil(dim: int, *, rank: int = 32, steps: int = 5, step_size: float = 0.5) -> Maml:
    """MAML that adapts the weight rows only; the outer loop alone trains the body."""
    return Maml(dim, rank=rank, steps=steps, step_size=step_size, names=HEAD)
