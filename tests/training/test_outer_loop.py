"""The outer loop repeats exactly, goes on exactly where it was killed, and stops at nonsense."""

from __future__ import annotations

import errno
import importlib
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from torch import Tensor

from headstart.runtime.errors import ArtifactError, ConfigError
from headstart.training import checkpoint as checkpoints
from headstart.training.distributed import Team
from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.episodes.tensors import Episodes, FusedRows
from headstart.training.learners.learner import Learner
from headstart.training.learners.maml import Maml
from headstart.training.learners.reptile import Reptile
from headstart.training.learners.ridge import Ridge
from headstart.training.outer_loop import OuterLoop, TrainingTable

_EVERY_STEP = {"checkpoint_every": 1, "report_every": 1, "validate_every": 5}


def loop(table: EmbeddingTable, learner: Learner, **keys: Any) -> OuterLoop:
    pictures = table.where(table.modality == "image")
    plan = EpisodePlan(ways=(3, 5), shots=(1, 2))
    own = {name: keys.pop(name) for name in list(keys) if name in OuterLoop.__dataclass_fields__}
    return OuterLoop(
        learner=learner,
        sampler=EpisodeSampler(table=pictures, plan=plan, seed=4),
        rows=FusedRows(table=pictures, streams=("image",)),
        settings=TrainingTable(**{"steps": 12, "episodes": 4, **_EVERY_STEP, **keys}),
        **own,
    )


class Stumbling(Ridge):
    """Gives a loss that is not a number at one step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.calls, self.at = 0, at

    def loss(self, episodes: Episodes) -> Tensor:
        self.calls += 1
        loss = super().loss(episodes)
        return loss * (math.nan if self.calls == self.at else 1.0)


@pytest.mark.parametrize("make", [lambda: Maml(8, rank=2), lambda: Reptile(8, rank=2)])
def test_the_same_seed_gives_the_same_numbers(toy_table: EmbeddingTable, make: Any) -> None:
    torch.manual_seed(1)
    first = loop(toy_table, make()).run()
    torch.manual_seed(2)
    again = loop(toy_table, make()).run()

    assert first.history == again.history and len(first.history) == 12
    for name, value in first.learner.items():
        assert torch.equal(value, again.learner[name])


def test_resumed_training_gives_the_same_numbers(toy_table: EmbeddingTable, tmp_path: Path) -> None:
    scores = {"score": lambda learner: 50.0}
    whole = loop(toy_table, Maml(8, rank=2), **scores).run()
    told: list[int] = []

    class Killed(Exception):
        pass

    def dies(step: int, figures: dict[str, float]) -> None:
        told.append(step)
        if step == 7:
            raise Killed

    with pytest.raises(Killed):
        loop(toy_table, Maml(8, rank=2), folder=tmp_path, progress=dies, **scores).run()
    resumed = loop(
        toy_table, Maml(8, rank=2), folder=tmp_path, **scores,
        progress=lambda step, figures: told.append(step),
    ).run()  # fmt: skip

    # The seventh step was finished but not yet kept: it is done again.
    assert told == [1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12]
    assert resumed.history == whole.history
    for name, value in whole.learner.items():
        assert torch.equal(value, resumed.learner[name])
    assert resumed.best is not None and whole.best is not None
    assert all(torch.equal(value, resumed.best[name]) for name, value in whole.best.items())


_KILLED = """
import os, signal, sys
from pathlib import Path
from headstart.training.train_learners import train_recipe
from headstart.training import outer_loop, checkpoint

save = checkpoint.save
def save_and_die(state, folder):
    save(state, folder)
    if state.step == 6 and sys.argv[4] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save = save_and_die
train_recipe(Path(sys.argv[1]), Path(sys.argv[2]), embeddings=Path(sys.argv[3]), bundle=None,
             cache=Path(sys.argv[2]))
"""
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
steps = 12
checkpoint_every = 2
[evaluation]
episodes = 10
shots = [1]
ways = 3
[episodes]
ways = [3]
shots = [1]
[learner]
name = "maml"
rank = 2
"""


def test_a_killed_process_goes_on_where_it_was(starter_file: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(_RECIPE)

    def train(out: str, ending: str) -> int:
        arguments = [str(tmp_path / "recipe.toml"), str(tmp_path / out), str(starter_file), ending]
        ran = subprocess.run(
            [sys.executable, "-c", _KILLED, *arguments], capture_output=True, text=True, timeout=200
        )
        assert ran.returncode in (0, -signal.SIGKILL), ran.stderr
        return ran.returncode

    assert train("killed", "die") == -signal.SIGKILL
    assert not (tmp_path / "killed" / "report.json").exists()
    assert train("killed", "live") == 0
    assert train("whole", "live") == 0

    files = [
        torch.load(tmp_path / out / "maml__rank_2_" / checkpoints.NAME, weights_only=True)
        for out in ("killed", "whole")
    ]
    assert files[0]["history"] == files[1]["history"] and files[0]["step"] == 12
    for name, value in files[0]["learner"].items():
        assert torch.equal(value, files[1]["learner"][name])


def test_accumulated_batches_are_one_larger_step(toy_table: EmbeddingTable) -> None:
    once, learner = Ridge(), Ridge()
    trainer = loop(toy_table, learner, steps=1, accumulation=3, optimiser="sgd", clip_norm=1e9)
    rows, sampler = trainer.rows, trainer.sampler

    trainer.run()

    for micro in range(3):
        once.accumulate(rows.episodes(sampler.batch(4, 0, micro)), 1.0 / 3.0)
    assert once.log_penalty.grad is not None
    expected = once.log_penalty - 3e-3 * once.log_penalty.grad
    torch.testing.assert_close(learner.log_penalty, expected)


def test_the_best_start_of_validation_is_the_result(toy_table: EmbeddingTable) -> None:
    seen: list[float] = []

    def score(learner: Learner) -> float:
        assert isinstance(learner, Ridge)
        seen.append(float(learner.log_penalty.detach()))
        return [10.0, 30.0, 20.0][len(seen) - 1]

    learner = Ridge()
    state = loop(toy_table, learner, score=score).run()

    assert [entry["step"] for entry in state.history if "validation" in entry] == [5, 10, 12]
    assert float(learner.log_penalty.detach()) == seen[1]
    assert state.best_accuracy == 30.0


def test_a_loss_that_is_no_number_stops_with_step_and_classes_and_keeps_the_last_good_state(
    toy_table: EmbeddingTable, tmp_path: Path
) -> None:
    said = (
        r"not finite at step 5, on the classes thing-\d\d, thing-.*lower 'learning_rate' in"
        rf" \[training\]; the last good state is in {tmp_path}"
    )

    with pytest.raises(ConfigError, match=said):
        loop(toy_table, Stumbling(5), folder=tmp_path).run()

    kept = checkpoints.load(tmp_path, "")
    assert kept is not None and kept.step == 4
    assert all(bool(torch.isfinite(value)) for value in kept.learner.values())


def test_a_full_disk_leaves_the_last_checkpoint_whole(
    toy_table: EmbeddingTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        loop(toy_table, Ridge(), folder=tmp_path).run()

    kept = checkpoints.load(tmp_path, "")
    assert kept is not None and kept.step == 2
    assert [path.name for path in tmp_path.iterdir()] == [checkpoints.NAME]


def test_a_checkpoint_of_another_recipe_is_refused(
    toy_table: EmbeddingTable, tmp_path: Path
) -> None:
    loop(toy_table, Ridge(), folder=tmp_path, recipe="one").run()

    with pytest.raises(ArtifactError, match="is of another recipe or of other data; expected"):
        loop(toy_table, Ridge(), folder=tmp_path, recipe="two").run()


def test_a_damaged_checkpoint_is_refused(toy_table: EmbeddingTable, tmp_path: Path) -> None:
    (tmp_path / checkpoints.NAME).write_bytes(b"PK\x03\x04 cut off")

    with pytest.raises(ArtifactError, match="cannot be read .*delete it to start again"):
        loop(toy_table, Ridge(), folder=tmp_path).run()


def test_a_checkpoint_runs_nothing_when_it_is_read(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "ran").touch, ())

    torch.save({"step": Harmful()}, tmp_path / checkpoints.NAME)

    with pytest.raises(ArtifactError, match="cannot be read"):
        checkpoints.load(tmp_path, "")
    assert not (tmp_path / "ran").exists()


def test_mixed_precision_on_a_cpu_is_refused(toy_table: EmbeddingTable) -> None:
    with pytest.raises(ConfigError, match="precision 'bfloat16' is slower and coarser on a CPU"):
        loop(toy_table, Ridge(), precision="bfloat16").run()


def test_episodes_that_processes_cannot_share_are_refused(toy_table: EmbeddingTable) -> None:
    with pytest.raises(
        ConfigError, match="4 episodes a batch cannot be shared by 3 processes; .*6"
    ):
        loop(toy_table, Ridge(), team=Team(size=3)).run()


def test_tensorboard_gets_every_figure(toy_table: EmbeddingTable, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra `train`: make test")
    accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")

    state = loop(
        toy_table, Ridge(), folder=tmp_path, tensorboard=True, score=lambda learner: 60.0
    ).run()

    read = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    losses = [(float(event.step), event.value) for event in read.Scalars("loss")]
    assert losses == [
        (entry["step"], pytest.approx(entry["loss"], rel=1e-6)) for entry in state.history
    ]
    assert [event.step for event in read.Scalars("validation")] == [5, 10, 12]
