"""`headstart train` says what came out, as a table or as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from headstart.cli.train import train
from headstart.runtime.errors import ConfigError
from headstart.training.sources.embedded import FACTS

_RECIPE = """
[[sources]]
name = "none"
[statistics]
speech_shrinkage = 0
[space]
streams = ["speech"]
[training]
steps = 2
episodes = 2
[episodes]
ways = [2]
shots = [1]
[evaluation]
episodes = 10
ways = 2
shots = [1]
[learner]
name = "prototypical"
"""


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    """40 words by three speakers each, as the speech stream of the starter bundle gives them."""
    rng = np.random.default_rng(0)
    facts = [
        (f"{word}-{speaker}", f"word-{word}", f"speaker-{speaker}", "speech", "audio", "made",
         "clean", "CC0")
        for word in range(40)
        for speaker in range(3)
    ]  # fmt: skip
    words = np.repeat(rng.normal(size=(40, 96)), 3, axis=0)
    arrays: dict[str, Any] = {
        **{f"facts.{name}": np.array([f[i] for f in facts]) for i, name in enumerate(FACTS)},
        "speech.vectors": (words + 0.5 * rng.normal(size=words.shape)).astype(np.float16),
        "speech.weights": np.ones(120, np.float32),
        "speech.offsets": np.arange(121),
    }
    np.savez(tmp_path / "words.npz", **arrays)
    return tmp_path / "words.npz"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "words.toml").write_text(_RECIPE)
    return tmp_path / "words.toml"


def test_a_table_and_where_the_files_are(
    recipe: Path, embeddings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(recipe, out=tmp_path / "out", embeddings=embeddings) == 0

    title, row, written = capsys.readouterr().out.splitlines()
    assert title.split() == ["learner", "validation", "2w1s", "test", "2w1s"]
    assert row.split()[0] == "prototypical" and row.count("±") == 2
    assert written == f"wrote {tmp_path / 'out'}"


def test_json_is_one_line_with_every_figure(
    recipe: Path, embeddings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(recipe, out=tmp_path / "out", embeddings=embeddings, as_json=True) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["learners"][0]["name"] == "prototypical"
    assert set(said["learners"][0]["accuracy"]["test 2w1s"]) == {"mean", "half"}


def test_the_results_are_named_after_the_recipe(
    recipe: Path, embeddings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    train(recipe, embeddings=embeddings)

    assert (tmp_path / "training-words" / "table.md").is_file()


def test_a_recipe_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recipe .* cannot be read"):
        train(tmp_path / "gone.toml")
