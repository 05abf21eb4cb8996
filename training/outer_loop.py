"""The outer loop: batch after batch of episodes improves a learner's start."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import nn

from headstart.runtime.errors import ConfigError, MissingDependency
from headstart.training import checkpoint as checkpoints
from headstart.training.checkpoint import Checkpoint
from headstart.training.distributed import Team
from headstart.training.episodes.batch import EpisodeBatch
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.tensors import FusedRows
from headstart.training.learners.learner import Learner
from headstart.training.sources.recipe import Table

Progress = Callable[[int, dict[str, float]], None]
"""Told the finished steps and the newest figures."""

Score = Callable[[Learner], float]
"""Accuracy on validation episodes, in percent."""


class TrainingTable(Table):
    """``[training]``."""

    steps: Annotated[int, Field(ge=1)] = 600
    episodes: Annotated[int, Field(ge=1)] = 8
    """A batch, over all processes."""
    accumulation: Annotated[int, Field(ge=1)] = 1
    """Batches for each step; their gradients are averaged."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    cosine: bool = True
    """Let the learning rate fall to 0 along half a cosine."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    precision: Literal["float32", "bfloat16"] = "float32"
    """``bfloat16`` is mixed precision; on a GPU only."""
    device: Literal["cpu", "cuda"] = "cpu"
    seed: Annotated[int, Field(ge=0)] = 0
    report_every: Annotated[int, Field(ge=1)] = 20
    checkpoint_every: Annotated[int, Field(ge=1)] = 100
    validate_every: Annotated[int, Field(ge=1)] = 100
    tensorboard: bool = False


@dataclass(kw_only=True, eq=False)
class OuterLoop:
    """Trains one learner.

    Args:
        learner: changed in place.
        sampler: training episodes; batch ``m`` of step ``s`` is always the same.
        rows: where their vectors come from.
        settings: the recipe's ``[training]``.
        folder: for the checkpoint and TensorBoard; None keeps nothing.
        recipe: digest of everything that decides the result.
        team: the processes that train together.
        score: validation; the best start that it saw is the result. None keeps the last.
        progress: told every ``report_every`` steps, on the leading process.
    """

    learner: Learner
    sampler: EpisodeSampler
    rows: FusedRows
    settings: TrainingTable
    folder: Path | None = None
    recipe: str = ""
    team: Team = Team()
    score: Score | None = None
    progress: Progress = lambda step, figures: None

    def run(self) -> Checkpoint:
        """Train, going on from the folder's checkpoint if there is one.

        Returns:
            The final state; the learner holds its best start.

        Raises:
            ConfigError: the loss is not finite; the last good checkpoint is kept. Or the settings
                do not fit the machine or the team.
            ArtifactError: the checkpoint is damaged or of another recipe.
            OSError: the folder cannot be written.
        """
        self._check()
        self.learner.to(self.team.device)
        trained = [p for p in self.learner.parameters() if p.requires_grad]
        if not trained:
            return Checkpoint(recipe=self.recipe, step=0, learner={}, optimiser={}, schedule={})
        optimiser = self._optimiser(trained)
        schedule = self._schedule(optimiser)
        state = self._resumed(optimiser, schedule)
        with self._board() as board:
            while state.step < self.settings.steps:
                loss = self._step(state.step, trained, optimiser)
                schedule.step()
                state.step += 1
                self._after(state, loss, optimiser, schedule, board)
        if state.best is not None:
            self.learner.load_state_dict(state.best)
        return state

    def _step(
        self, step: int, trained: list[nn.Parameter], optimiser: torch.optim.Optimizer
    ) -> float:
        settings = self.settings
        optimiser.zero_grad()
        total = torch.zeros((), device=self.team.device)
        batches = []
        for micro in range(settings.accumulation):
            batch = self.sampler.batch(settings.episodes, step, micro)
            batches.append(batch)
            mine = self.rows.episodes(batch.share(self.team.rank, self.team.size))
            with self._precision():
                loss = self.learner.accumulate(
                    mine.to(self.team.device), 1.0 / settings.accumulation
                )
            total += loss.float() / settings.accumulation
        for parameter in trained:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self.team.average([total, *(p.grad for p in trained if p.grad is not None)])
        norm = nn.utils.clip_grad_norm_(trained, settings.clip_norm)
        if not bool(torch.isfinite(total)) or not bool(torch.isfinite(norm)):
            raise ConfigError(self._diverged(step, batches))
        optimiser.step()
        return float(total)

    def _after(
        self,
        state: Checkpoint,
        loss: float,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        board: Any,
    ) -> None:
        settings, last = self.settings, state.step == self.settings.steps
        figures = {"loss": loss}
        if self.score is not None and (last or state.step % settings.validate_every == 0):
            figures["validation"] = self.score(self.learner)
            if figures["validation"] > state.best_accuracy:
                state.best_accuracy = figures["validation"]
                state.best = _copied(self.learner)
        if last or "validation" in figures or state.step % settings.report_every == 0:
            state.history.append({"step": float(state.step), **figures})
            if self.team.leads:
                self.progress(state.step, figures)
                for name, value in figures.items() if board is not None else ():
                    board.add_scalar(name, value, state.step)
        if last or state.step % settings.checkpoint_every == 0:
            state.learner = _copied(self.learner)
            state.optimiser = optimiser.state_dict()
            state.schedule = schedule.state_dict()
            if self.folder is not None and self.team.leads:
                self.folder.mkdir(parents=True, exist_ok=True)
                checkpoints.save(state, self.folder)
            self.team.wait()

    def _check(self) -> None:
        self.team.check_divides(self.settings.episodes)
        if self.settings.precision != "float32" and self.team.device.type == "cpu":
            raise ConfigError(
                f"precision {self.settings.precision!r} is slower and coarser on a CPU; expected"
                " 'float32' there: change it, or set device = \"cuda\""
            )

    def _optimiser(self, trained: list[nn.Parameter]) -> torch.optim.Optimizer:
        settings = self.settings
        if settings.optimiser == "sgd":
            return torch.optim.SGD(
                trained, lr=settings.learning_rate, weight_decay=settings.weight_decay
            )
        return torch.optim.AdamW(
            trained, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    def _schedule(self, optimiser: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        if self.settings.cosine:
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.settings.steps)
        return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)

    def _resumed(
        self,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
    ) -> Checkpoint:
        found = None if self.folder is None else checkpoints.load(self.folder, self.recipe)
        # Nobody writes the first checkpoint before everybody has looked for an old one.
        self.team.wait()
        if found is None:
            return Checkpoint(recipe=self.recipe, step=0, learner={}, optimiser={}, schedule={})
        self.learner.load_state_dict(found.learner)
        optimiser.load_state_dict(found.optimiser)
        schedule.load_state_dict(found.schedule)
        return found

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self.settings.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.team.device.type, dtype=torch.bfloat16)

    @contextlib.contextmanager
    def _board(self) -> Iterator[Any]:
        if not self.settings.tensorboard or self.folder is None or not self.team.leads:
            yield None
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingDependency(
                "the recipe asks for TensorBoard, which is not installed; expected the extra"
                " 'train': pip install 'headstart[train]', or set tensorboard = false"
            ) from error
        with SummaryWriter(str(self.folder / "tensorboard")) as writer:
            yield writer

    def _diverged(self, step: int, batches: list[EpisodeBatch]) -> str:
        names = {name for batch in batches for episode in batch.class_names for name in episode}
        kept = "no checkpoint was kept"
        if self.folder is not None and (self.folder / checkpoints.NAME).is_file():
            kept = f"the last good state is in {self.folder / checkpoints.NAME}"
        return (
            f"training gave a loss or gradient that is not finite at step {step + 1}, on the"
            f" classes {', '.join(sorted(names))}; expected numbers: lower 'learning_rate' in"
            f" [training]; {kept}"
        )


def _copied(learner: Learner) -> dict[str, Any]:
    return {name: value.detach().cpu().clone() for name, value in learner.state_dict().items()}
