"""The learners by name, with the options that a recipe may give each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from torch import Tensor

from headstart.runtime.heads.prototype import Metric
from headstart.training.learners.distillation import Distillation
from headstart.training.learners.film import Film
from headstart.training.learners.fine_tuning import FineTuning
from headstart.training.learners.lda import Lda
from headstart.training.learners.learner import Learner
from headstart.training.learners.linear import Linear
from headstart.training.learners.maml import Maml, anil
from headstart.training.learners.matching import Matching
from headstart.training.learners.multi_task import MultiTask
from headstart.training.learners.proto_steps import STEP_LIMIT, ProtoSteps
from headstart.training.learners.prototypical import Prototypical
from headstart.training.learners.reptile import Reptile
from headstart.training.learners.ridge import Ridge
from headstart.training.sources.recipe import Table

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """What a learner has to know of the data.

    Args:
        dim: length of a fused vector.
        classes: classes of the training table.
        covariance: within-class covariance ``(dim, dim)`` of training classes, for LDA.
    """

    dim: int
    classes: int
    covariance: Tensor | None = None


class Options(Table):
    """What all learners share."""

    learning_rate: Positive | None = None
    """Instead of ``[training]``'s: learners of a few scalars and of matrices differ."""
    steps: Count | None = None
    """Instead of ``[training]``'s."""


class PrototypicalOptions(Options):
    """`Prototypical`."""

    name: Literal["prototypical"]
    metric: Metric = "cosine"
    rank: Count | None = None

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return Prototypical(setting.dim, metric=self.metric, rank=self.rank)


class MatchingOptions(Options):
    """`Matching`."""

    name: Literal["matching"]
    sharpness: Positive = 10.0

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return Matching(sharpness=self.sharpness)


class ProtoStepsOptions(Options):
    """`ProtoSteps`."""

    name: Literal["proto-steps"]
    inner_steps: Annotated[int, Field(ge=0, le=5)] = 3
    step_size: Annotated[float, Field(gt=0, lt=STEP_LIMIT)] = 1.0
    scale: Positive = 8.0

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return ProtoSteps(steps=self.inner_steps, step_size=self.step_size, scale=self.scale)


class RidgeOptions(Options):
    """`Ridge`."""

    name: Literal["ridge"]
    penalty: Positive = 0.3

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return Ridge(penalty=self.penalty)


class LdaOptions(Options):
    """`Lda`."""

    name: Literal["lda"]
    prior_rows: Positive = 50.0
    covariance: Literal["identity", "measured"] = "identity"

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        measured = setting.covariance if self.covariance == "measured" else None
        return Lda(covariance=measured, prior_rows=self.prior_rows)


class MamlOptions(Options):
    """`Maml`; with ``first_order`` FOMAML."""

    name: Literal["maml"]
    rank: Count = 32
    inner_steps: Count = 5
    step_size: Positive = 0.5
    first_order: bool = False
    learn_steps: bool = True

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return Maml(
            setting.dim,
            rank=self.rank,
            steps=self.inner_steps,
            step_size=self.step_size,
            second_order=not self.first_order,
            learn_steps=self.learn_steps,
        )


class AnilOptions(Options):
    """`anil`."""

    name: Literal["anil"]
    rank: Count = 32
    inner_steps: Count = 5
    step_size: Positive = 0.5

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return anil(setting.dim, rank=self.rank, steps=self.inner_steps, step_size=self.step_size)


class ReptileOptions(Options):
    """`Reptile`."""

    name: Literal["reptile"]
    rank: Count = 32
    inner_steps: Count = 10
    step_size: Positive = 0.5

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return Reptile(
            setting.dim, rank=self.rank, steps=self.inner_steps, step_size=self.step_size
        )


class FilmOptions(Options):
    """`Film`."""

    name: Literal["film"]
    hidden: Count = 32

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return Film(setting.dim, hidden=self.hidden)


class LinearOptions(Options):
    """`Linear`."""

    name: Literal["linear"]
    penalty: Positive = 1e-2

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return Linear(penalty=self.penalty)


class MultiTaskOptions(Options):
    """`MultiTask`."""

    name: Literal["multi-task"]
    rank: Count = 32

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return MultiTask(setting.dim, classes=setting.classes, rank=self.rank)


class FineTuningOptions(Options):
    """`FineTuning`."""

    name: Literal["fine-tuning"]
    rank: Count = 32
    inner_steps: Count = 25
    step_size: Positive = 0.1

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        return FineTuning(
            setting.dim,
            classes=setting.classes,
            rank=self.rank,
            steps=self.inner_steps,
            step_size=self.step_size,
        )


class DistillationOptions(Options):
    """`Distillation`, taught by prototypes, ridge and gradient steps as they start."""

    name: Literal["distillation"]
    student_dim: Count = 64

    def make(self, setting: Setting) -> Learner:
        """A new learner."""
        teachers = (Prototypical(setting.dim), Ridge(), ProtoSteps())
        return Distillation(setting.dim, teachers=teachers, student_dim=self.student_dim)


LearnerOptions: TypeAlias = Annotated[
    PrototypicalOptions
    | MatchingOptions
    | ProtoStepsOptions
    | RidgeOptions
    | LdaOptions
    | MamlOptions
    | AnilOptions
    | ReptileOptions
    | FilmOptions
    | LinearOptions
    | MultiTaskOptions
    | FineTuningOptions
    | DistillationOptions,
    Field(discriminator="name"),
]
"""``[learner]``: which one, and its options."""
