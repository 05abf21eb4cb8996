"""Two processes under torchrun give what one gives with the same total batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from headstart.runtime.errors import ConfigError
from headstart.training import checkpoint as checkpoints
from headstart.training.distributed import Team, joined_team

_RECIPE = """
[[sources]]
name = "none"
[statistics]
speech_shrinkage = 0
sound_shrinkage = 0
[space]
streams = ["image"]
kinds = ["drawing"]
[training]
steps = 6
episodes = 4
accumulation = 2
report_every = 1
[evaluation]
episodes = 10
shots = [1]
ways = 3
[episodes]
ways = [3]
shots = [1, 2]
[[learners]]
name = "maml"
rank = 2
[[learners]]
name = "reptile"
rank = 2
[[learners]]
name = "ridge"
"""
_SCRIPT = """
import sys
from pathlib import Path
from headstart.training.train_learners import train_recipe

recipe, out, embeddings = map(Path, sys.argv[1:])
train_recipe(recipe, out, embeddings=embeddings, bundle=None, cache=out)
"""


def test_two_processes_give_the_result_of_one(starter_file: Path, tmp_path: Path) -> None:
    recipe, script = tmp_path / "recipe.toml", tmp_path / "train.py"
    recipe.write_text(_RECIPE)
    script.write_text(_SCRIPT)

    def train(launcher: list[str], out: str) -> list[str]:
        ran = subprocess.run(
            [sys.executable, *launcher, str(script), str(recipe), str(tmp_path / out),
             str(starter_file)],
            env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=280,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        report = json.loads((tmp_path / out / "report.json").read_text())
        return [row["name"] for row in report["learners"]]

    one = train([], "one")
    two = train(["-m", "torch.distributed.run", "--nproc-per-node", "2"], "two")

    for name in ("maml__rank_2_", "reptile__rank_2_", "ridge"):
        first, second = (
            torch.load(tmp_path / out / name / checkpoints.NAME, weights_only=True)
            for out in ("one", "two")
        )
        for key, value in first["learner"].items():
            torch.testing.assert_close(second["learner"][key], value, atol=1e-5, rtol=1e-4)
        for before, after in zip(first["history"], second["history"], strict=True):
            assert after == pytest.approx(before, rel=1e-4)
    assert one == two == ["maml (rank 2)", "reptile (rank 2)", "ridge"]


def test_a_single_process_averages_nothing() -> None:
    value = torch.tensor([1.0, 2.0])

    Team().average([value])

    assert value.tolist() == [1.0, 2.0]


def test_a_gpu_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(ConfigError, match="'cuda' was asked for, but torch finds no GPU"):
        with joined_team("cuda"):
            pass
