"""Several processes that train as one: each takes its share of every batch, gradients are averaged.

    torchrun --nproc-per-node 2 -m headstart.cli train RECIPE

Every process draws the same batch of indices and works on every n-th episode of it, so the result
is that of one process with the whole batch, up to the order of additions. Gradients are averaged by
one explicit all-reduce instead of ``DistributedDataParallel``'s hooks: those fire in ``backward()``
only, while Reptile's direction comes from no backward pass and MAML's inner gradients must not be
averaged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

from headstart.runtime.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Team:
    """The processes that train together.

    Args:
        rank: this process, 0…size−1; 0 writes files and shows progress.
        size: how many there are.
        device: where this one computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = torch.device("cpu")

    @property
    def leads(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def check_divides(self, episodes: int) -> None:
        """Every process needs the same number of episodes, or the mean of means is not the mean.

        Raises:
            ConfigError: they do not divide.
        """
        if episodes % self.size:
            enough = -(-episodes // self.size) * self.size
            raise ConfigError(
                f"{episodes} episodes a batch cannot be shared by {self.size} processes; expected a"
                f" multiple: set 'episodes' in [training] to {enough}"
            )

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their mean over all processes, in place, in one message."""
        found = [tensor for tensor in tensors if tensor.numel()]
        if self.size == 1 or not found:
            return
        flat = torch.cat([tensor.flatten() for tensor in found])
        dist.all_reduce(flat)
        flat /= self.size
        at = 0
        for tensor in found:
            tensor.copy_(flat[at : at + tensor.numel()].view_as(tensor))
            at += tensor.numel()

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def joined_team(device: str = "cpu") -> Iterator[Team]:
    """The team that ``torchrun`` started, or a team of one; left again at the end.

    Args:
        device: ``cpu`` (gloo) or ``cuda`` (nccl, one GPU a process).

    Raises:
        ConfigError: ``cuda`` without a GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "training on 'cuda' was asked for, but torch finds no GPU; expected an NVIDIA driver"
            ' and a CUDA build of torch: set device = "cpu" in [training]'
        )
    local = int(os.environ.get("LOCAL_RANK", "0"))
    place = torch.device(device, local) if device == "cuda" else torch.device(device)
    if "WORLD_SIZE" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1:
        yield Team(device=place)
        return
    dist.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        timeout=timedelta(hours=12),  # the leading process may fetch and embed sources first
    )
    try:
        yield Team(rank=dist.get_rank(), size=dist.get_world_size(), device=place)
    finally:
        dist.destroy_process_group()
