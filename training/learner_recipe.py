"""A recipe that trains learners: data, episodes, one learner or several to compare."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator
from typing_extensions import Self

from headstart.runtime.errors import ConfigError
from headstart.training.episodes.plan import EpisodePlan
from headstart.training.learners.catalogue import LearnerOptions
from headstart.training.outer_loop import TrainingTable
from headstart.training.sources.recipe import DataRecipe, Kind, Table

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


class SpaceTable(Table):
    """``[space]``: which rows and streams the episodes are of."""

    streams: Annotated[tuple[str, ...], Field(min_length=1)] = ("image", "sound", "speech")
    kinds: tuple[Kind, ...] = ("speech", "sound", "photo", "drawing")
    trust: Literal["alike", "kind"] = "kind"
    """``kind`` trusts only the audio stream that is made for what a row holds, as a good gate
    would; ``alike`` is plain late fusion."""
    train_sources: tuple[str, ...] | None = None
    judge_sources: tuple[str, ...] | None = None
    """Sources (as rows name them) of the training classes, and of the validation and test classes.
    Apart, they show what a learner is worth on another kind of data: the same sources flatter
    whatever learns their look. None takes all."""


class EvaluationTable(Table):
    """``[evaluation]``: the episodes that choose (validation classes) and report (test classes)."""

    ways: Annotated[int, Field(ge=2)] = 5
    shots: Annotated[tuple[int, ...], Field(min_length=1)] = (1, 5)
    queries: Annotated[int, Field(ge=1)] = 3
    episodes: Annotated[int, Field(ge=10)] = 300
    seed: Annotated[int, Field(ge=0)] = 1_000


class LearnerRecipe(DataRecipe):
    """A whole recipe: ``[learner]`` trains one, ``[[learners]]`` compares several."""

    space: SpaceTable = SpaceTable()
    episodes: EpisodePlan = EpisodePlan()
    training: TrainingTable = TrainingTable()
    evaluation: EvaluationTable = EvaluationTable()
    learner: LearnerOptions | None = None
    learners: tuple[LearnerOptions, ...] = ()

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if (self.learner is None) == (not self.learners):
            raise ValueError("expected either one [learner] or several [[learners]]")
        return self

    @property
    def chosen(self) -> tuple[LearnerOptions, ...]:
        """The learners, in order."""
        return self.learners if self.learner is None else (self.learner,)


def read_learner_recipe(path: Path) -> LearnerRecipe:
    """Read a recipe.

    Raises:
        ConfigError: the file is missing or not TOML, or a key is unknown or has a wrong value.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"recipe {path} cannot be read ({error}); expected a TOML file such as"
            " training/recipes/ridge.toml"
        ) from error
    try:
        return LearnerRecipe.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ConfigError(
            f"recipe {path} is wrong at {place!r} ({first['msg']}){_nearest(first['loc'])}:"
            " correct it; docs/training.md lists the keys"
        ) from error


def _nearest(place: tuple[int | str, ...]) -> str:
    """The key that was probably meant, where there is one."""
    keys = [
        *LearnerRecipe.model_fields,
        *(key for part in _TABLES for key in part.model_fields),
    ]
    found = difflib.get_close_matches(str(place[-1]), keys, n=1) if place else []
    return f"; expected perhaps {found[0]!r}" if found and found[0] != place[-1] else ""


_TABLES: tuple[type[Table], ...] = (SpaceTable, EpisodePlan, TrainingTable, EvaluationTable)
