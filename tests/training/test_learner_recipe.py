"""Recipes name what is wrong with them, and the committed ones are right."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from headstart.runtime.errors import ConfigError
from headstart.training.learner_recipe import read_learner_recipe

_RECIPES = Path(__file__).parents[2] / "training" / "recipes"
_LEAST = '[[sources]]\nname = "emoji"\n[learner]\nname = "ridge"\n'


@pytest.mark.parametrize("name", ["ridge.toml", "start.toml", "learners.toml"])
def test_a_committed_recipe_is_right(name: str) -> None:
    assert read_learner_recipe(_RECIPES / name).chosen


def test_the_least_recipe_is_a_source_and_a_learner(tmp_path: Path) -> None:
    (tmp_path / "least.toml").write_text(_LEAST)

    recipe = read_learner_recipe(tmp_path / "least.toml")

    assert [options.name for options in recipe.chosen] == ["ridge"]
    assert recipe.training.precision == "float32"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("penalti = 1.0\n", "wrong at 'learner.ridge.penalti' .*Extra inputs"),
        ("[training]\nlerning_rate = 1\n", "'training.lerning_rate'.*perhaps 'learning_rate'"),
        ("[episodes]\nways = [1]\n", r"wrong at 'episodes.ways.0' .*greater than or equal to 2"),
        ("[episodes]\nshots = [0]\n", r"wrong at 'episodes.shots.0' .*greater than or equal to 1"),
        ("[[learners]]\nname = 'lda'\n", r"either one \[learner\] or several \[\[learners\]\]"),
        ("[learner]\n", "cannot be read .*expected a TOML file"),
    ],
)
def test_a_wrong_recipe_says_where_and_what(tmp_path: Path, more: str, said: str) -> None:
    (tmp_path / "wrong.toml").write_text(_LEAST + more)

    with pytest.raises(ConfigError, match=said):
        read_learner_recipe(tmp_path / "wrong.toml")


def test_a_recipe_without_learners_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text('[[sources]]\nname = "emoji"\n')

    with pytest.raises(ConfigError, match=r"expected either one \[learner\] or several"):
        read_learner_recipe(tmp_path / "none.toml")


def test_a_missing_recipe_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recipe .*gone.toml cannot be read"):
        read_learner_recipe(tmp_path / "gone.toml")
