"""Which sources a recipe uses, how much of each, and under which conditions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headstart.runtime.errors import ConfigError
from headstart.training.sources.camera import View
from headstart.training.sources.microphone import Room

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

Kind = Literal["speech", "sound", "photo", "drawing"]


class Table(BaseModel):
    """Base of every table of a recipe: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceUse(Table):
    """One ``[[sources]]`` entry."""

    name: str
    """As in the catalogue, or ``folder:/path/to/DATA``."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of the source's classes, chosen by name."""
    kinds: tuple[Kind, ...] = ("speech", "sound", "photo", "drawing")


class ConditionsTable(Table):
    """``[conditions]``: how pictures are seen and sounds are heard; each gives one embedding."""

    image: tuple[View, ...] = ("good", "poor")
    audio: tuple[Room, ...] = ("clean", "mild", "medium")


class StatisticsTable(Table):
    """``[statistics]``: shrinkage of each stream's within-class whitening; 0 leaves it out."""

    sound_shrinkage: Annotated[float, Field(ge=0, le=1)] = 0.9
    speech_shrinkage: Annotated[float, Field(ge=0, le=1)] = 0.3
    image_shrinkage: Annotated[float, Field(ge=0, le=1)] = 0.0


class DataRecipe(Table):
    """A whole data recipe."""

    sources: Annotated[tuple[SourceUse, ...], Field(min_length=1)]
    conditions: ConditionsTable = ConditionsTable()
    statistics: StatisticsTable = StatisticsTable()


def read_recipe(path: Path) -> DataRecipe:
    """Read a recipe.

    Raises:
        ConfigError: the file is missing or not TOML, or a key is unknown or has a wrong value.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"recipe {path} cannot be read ({error}); expected a TOML file such as"
            " training/recipes/statistics.toml"
        ) from error
    try:
        return DataRecipe.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"recipe {path} is wrong at {place!r} ({first['msg']}); expected the keys"
            f" {', '.join(DataRecipe.model_fields)} and theirs: correct it"
        ) from error
