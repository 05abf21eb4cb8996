"""What every learner is: a start that an outer loop improves, and a way to adapt from it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from headstart.training.episodes.batch import UNKNOWN
from headstart.training.episodes.tensors import Episodes


class Learner(nn.Module, ABC):
    """Adapts to an episode's support and scores its queries.

    The parameters are what meta-training finds. A learner without any is a baseline.
    """

    @abstractmethod
    def forward(self, episodes: Episodes) -> Tensor:
        """Logits ``(episodes, queries, ways)``, higher is closer."""

    def loss(self, episodes: Episodes) -> Tensor:
        """The mean cross-entropy of known queries over the batch, a scalar."""
        return cross_entropy(self(episodes), episodes.labels)

    def accumulate(self, episodes: Episodes, share: float) -> Tensor:
        """Add ``share`` times the batch's gradient to ``.grad``; returns the loss, detached."""
        loss = self.loss(episodes)
        (loss * share).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def learned(self) -> dict[str, Any]:
        """What it found of `LearnedInitialization`'s fields; nothing for most."""
        return {}


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over queries ``(episodes, queries, ways)`` whose label is not ``UNKNOWN``."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=UNKNOWN)


def positive(value: float) -> nn.Parameter:
    """A parameter whose ``exp()`` is the learned value, so that it stays above 0."""
    return nn.Parameter(torch.tensor(math.log(value)))
