"""Gradient descent from a start, differentiable with respect to that start.

Finn, Abbeel and Levine: Model-Agnostic Meta-Learning, 2017, https://arxiv.org/abs/1703.03400.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

Parameters = Mapping[str, Tensor]
"""Name → value; a leading axis may run over tasks."""

Loss = Callable[[Parameters], Tensor]
"""A scalar, the SUM over tasks where several adapt at once: so each task's own parameters get
exactly that task's gradient."""

StepSizes = Mapping[str, float | Tensor]
"""Name → step size; a parameter without one is not adapted (ANIL's frozen body)."""


def adapted(
    loss: Loss, start: Parameters, steps: Sequence[StepSizes], *, second_order: bool
) -> dict[str, Tensor]:
    """Parameters after one gradient step for each of ``steps``.

    Args:
        loss: of the parameters, on the support.
        start: where to begin; each tensor must require gradients.
        steps: step sizes, one mapping a step.
        second_order: differentiate later through the gradients too. First order (FOMAML) treats
            them as constants: the result then depends on the start with slope 1.
    """
    current = dict(start)
    for sizes in steps:
        names = [name for name in current if name in sizes]
        gradients = torch.autograd.grad(
            loss(current), [current[name] for name in names], create_graph=second_order
        )
        for name, gradient in zip(names, gradients, strict=True):
            current[name] = current[name] - sizes[name] * gradient
    return current


def per_task(start: Parameters, tasks: int) -> dict[str, Tensor]:
    """The start once for each of ``tasks``: ``(…)`` → ``(tasks, …)``, still connected to it."""
    return {name: value.expand(tasks, *value.shape) for name, value in start.items()}
