"""A recipe goes from embeddings to a table and a start that a device reads."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from safetensors.numpy import load_file

from headstart.runtime.errors import ConfigError
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.training.train_learners import Trained, train_recipe

_RECIPE = """
[[sources]]
name = "none"
[statistics]
speech_shrinkage = 0
sound_shrinkage = 0
[space]
streams = ["speech"]
kinds = ["speech"]
[training]
steps = 5
episodes = 2
[evaluation]
episodes = 10
ways = 2
shots = [1, 2]
[episodes]
ways = [2]
shots = [1]
"""


def train(tmp_path: Path, embeddings: Path, learners: str, recipe: str = _RECIPE) -> Trained:
    (tmp_path / "recipe.toml").write_text(recipe + learners)
    return train_recipe(
        tmp_path / "recipe.toml", tmp_path / "out",
        embeddings=embeddings, bundle=None, cache=tmp_path / "cache",
    )  # fmt: skip


def test_several_learners_give_a_table_a_report_and_a_start(
    starter_file: Path, tmp_path: Path
) -> None:
    several = '[[learners]]\nname = "prototypical"\n[[learners]]\nname = "ridge"\n' * 2

    trained = train(tmp_path, starter_file, several)

    names = ["prototypical", "ridge", "prototypical #2", "ridge #2"]
    assert [row.name for row in trained.rows] == names
    titles = ["validation 2w1s", "validation 2w2s", "test 2w1s", "test 2w2s"]
    assert list(trained.rows[0].accuracy) == titles
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["recipe"]["learners"][1]["name"] == "ridge"
    assert report["learners"][1]["accuracy"]["test 2w1s"]["mean"] == pytest.approx(
        trained.rows[1].accuracy["test 2w1s"].mean
    )
    assert (tmp_path / "out" / "table.md").read_text().count("\n") == 6
    start = LearnedInitialization.from_tensors(load_file(tmp_path / "out" / "start.safetensors"))
    assert trained.start is not None and start.ridge_penalty == trained.start.ridge_penalty
    assert set(start.temperatures) >= {"ridge", "prototype"}


def test_a_learner_that_learns_nothing_for_the_device_writes_no_start(
    starter_file: Path, tmp_path: Path
) -> None:
    trained = train(tmp_path, starter_file, '[learner]\nname = "linear"\n')

    assert trained.start is None and not (tmp_path / "out" / "start.safetensors").exists()


def test_a_lack_of_shots_for_a_temperature_is_said_and_the_fewer_shots_serve(
    two_takes_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one_shot = _RECIPE.replace("shots = [1, 2]", "shots = [1]")

    with caplog.at_level(logging.WARNING):
        trained = train(tmp_path, two_takes_file, '[learner]\nname = "ridge"\n', one_shot)

    assert trained.start is not None
    one, two, more = trained.start.temperatures["ridge"]
    assert one == two == more
    said = [message for message in caplog.messages if message.startswith("temperatures of")]
    assert [message[:27] for message in said] == [
        "temperatures of 2 shots are", "temperatures of 3 shots are"
    ]  # fmt: skip


def test_a_stream_that_the_bundle_does_not_have_is_said(starter_file: Path, tmp_path: Path) -> None:
    other = _RECIPE.replace('"speech"]\nkinds', '"smell"]\nkinds')

    with pytest.raises(ConfigError, match="asks for the streams smell; expected some of image, "):
        train(tmp_path, starter_file, '[learner]\nname = "ridge"\n', other)


def test_kinds_that_feed_no_stream_are_said(starter_file: Path, tmp_path: Path) -> None:
    other = _RECIPE.replace('kinds = ["speech"]', 'kinds = ["drawing"]')

    with pytest.raises(ConfigError, match="nothing of the kinds drawing feeds the streams speech"):
        train(tmp_path, starter_file, '[learner]\nname = "ridge"\n', other)
