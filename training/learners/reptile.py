"""Reptile: move the start towards where plain training on each task ends.

Nichol, Achiam and Schulman: On First-Order Meta-Learning Algorithms, 2018,
https://arxiv.org/abs/1803.02999.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.training.episodes.tensors import Episodes
from headstart.training.learners.adapter import (
    Adapter,
    StepTable,
    balanced_cross_entropy,
    logits,
)
from headstart.training.learners.inner_loop import Loss, Parameters, StepSizes, adapted
from headstart.training.learners.learner import Learner, cross_entropy


def reptile_gradient(
    loss: Loss, start: Parameters, steps: list[StepSizes]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """``start − adapted``, which an optimiser subtracts, and the adapted parameters.

    Both have ``start``'s shapes, a task axis included, and carry no graph.
    """
    fitted = adapted(loss, start, steps, second_order=False)
    gradient = {name: (start[name] - fitted[name]).detach() for name in start}
    return gradient, {name: value.detach() for name, value in fitted.items()}


class Reptile(Learner):
    """Learns the same start as MAML without looking at how adaptation generalises.

    Args:
        dim: length of a vector.
        rank: of the residual body.
        steps: inner steps, in training and evaluation.
        step_size: of the inner loop.
        scale: sharpness of the softmax; fixed, since Reptile has no gradient for it.
    """

    def __init__(
        self,
        dim: int,
        *,
        rank: int = 32,
        steps: int = 10,
        step_size: float = 0.5,
        scale: float = 10.0,
    ) -> None:
        super().__init__()
        self.adapter = Adapter(dim, rank)
        self.steps = StepTable(("down", "up", "rows"), steps, step_size, learn=False)
        self.scale = scale

    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``."""
        with torch.enable_grad():
            fitted = adapted(
                self._loss(episodes.support, episodes.hot),
                self.adapter.start(episodes),
                self.steps.steps(),
                second_order=False,
            )
        return logits(episodes.queries, fitted, self.scale)

    def accumulate(self, episodes: Episodes, share: float) -> Tensor:
        """Reptile's direction, averaged over episodes."""
        with torch.enable_grad():
            known = _everything(episodes)
            gradient, fitted = reptile_gradient(
                self._loss(*known), self.adapter.start(episodes), self.steps.steps()
            )
        for name, parameter in self.adapter.named_parameters():
            value = share * gradient[name].mean(dim=0)
            parameter.grad = value if parameter.grad is None else parameter.grad + value
        with torch.no_grad():
            return cross_entropy(logits(episodes.queries, fitted, self.scale), episodes.labels)

    def _loss(self, x: Tensor, hot: Tensor) -> Loss:
        def loss(parameters: Parameters) -> Tensor:
            return balanced_cross_entropy(logits(x, parameters, self.scale), hot)

        return loss


def _everything(episodes: Episodes) -> tuple[Tensor, Tensor]:
    """Support and queries as one training set: Reptile does not split a task. An unknown query's
    row of ``hot`` is zero, so that it counts for nothing."""
    ways = episodes.hot.shape[-1]
    asked = torch.nn.functional.one_hot(episodes.labels.clamp(min=0), ways).to(episodes.hot.dtype)
    asked = asked * (episodes.labels >= 0)[..., None]
    return (
        torch.cat([episodes.support, episodes.queries], dim=1),
        torch.cat([episodes.hot, asked], dim=1),
    )
