from __future__ import annotations

from pathlib import Path

import pytest

from headstart.runtime.errors import ConfigError
from headstart.training.sources.catalogue import SOURCES
from headstart.training.sources.recipe import read_recipe

SHIPPED = Path(__file__).parents[3] / "training" / "recipes" / "statistics.toml"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_recipe_names_known_sources() -> None:
    recipe = read_recipe(SHIPPED)
    assert {use.name for use in recipe.sources} <= set(SOURCES)
    assert recipe.statistics.speech_shrinkage == 0.0
    assert recipe.statistics.sound_shrinkage == 0.0


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, '[[sources]]\nname = "emoji"\n'))
    assert recipe.sources[0].share == 1.0
    assert recipe.conditions.audio == ("clean", "mild", "medium")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[[sources]]\nname = "emoji"\nsahre = 1\n', "sources.0.sahre"),
        ('[[sources]]\nname = "emoji"\nshare = 0\n', "sources.0.share"),
        ('[[sources]]\nname = "emoji"\n[conditions]\naudio = ["loud"]\n', "conditions.audio.0"),
        ('[[sources]]\nname = "emoji"\n[statistics]\nsound_shrinkage = 2\n',
         "statistics.sound_shrinkage"),
        ("sources = []\n", "sources"),
        ("", "sources"),
    ],
    ids=["unknown key", "share 0", "unknown room", "shrinkage 2", "no source", "empty"],
)  # fmt: skip
def test_a_wrong_key_or_value_is_named(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(ConfigError, match=f"recipe.toml is wrong at '{place}'"):
        read_recipe(write(tmp_path, text))


def test_a_file_that_is_not_toml_or_not_there_says_so(tmp_path: Path) -> None:
    for path in (write(tmp_path, "name ="), tmp_path / "missing.toml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_recipe(path)
