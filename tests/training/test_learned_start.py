"""Temperatures are those of lowest log-loss, for the very scores that the device makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from safetensors.numpy import load_file

from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.recognition.temperature import fit_temperature
from headstart.training.comparison import fixed_episodes
from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.episodes.tensors import Episodes, FusedRows
from headstart.training.learned_start import (
    METHODS,
    best_temperature,
    log_loss,
    scored,
    with_learned,
    with_temperatures,
    write_start,
)
from headstart.training.learner_recipe import EvaluationTable
from headstart.training.learners.proto_steps import ProtoSteps
from headstart.training.learners.ridge import Ridge


@pytest.fixture
def episodes(toy_table: EmbeddingTable) -> dict[int, list[Episodes]]:
    table = toy_table.where(toy_table.modality == "image")
    rows = FusedRows(table=table, streams=("image",))
    settings = EvaluationTable(episodes=20)
    return {k: fixed_episodes(rows, EpisodePlan(), settings, k) for k in (1, 2, 3)}


def test_two_classes_by_hand() -> None:
    # 3 of 4 answers are right by a margin of 1: the best temperature has logit ln 3.
    scores = np.tile(np.array([[1.0, 0.0]]), (4, 1))

    found = best_temperature([(scores, np.array([0, 0, 0, 1]))])

    assert found == pytest.approx(np.log(3.0), rel=1e-4)


def test_it_is_what_the_device_would_fit_from_as_many_samples() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(4000, 5)), rng.integers(5, size=4000)
    scores[np.arange(4000), labels] += 1.5

    found = best_temperature([(scores[:1000], labels[:1000]), (scores[1000:], labels[1000:])])

    assert found == pytest.approx(fit_temperature(scores, labels, found), rel=2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_measured_temperature_has_the_lowest_log_loss(
    episodes: dict[int, list[Episodes]], method: str
) -> None:
    start = with_temperatures(LearnedInitialization(), episodes, [method])

    for place, shots in enumerate((1, 2, 3)):
        groups = list(scored(method, episodes[shots], start))
        best = log_loss(groups, start.temperatures[method][place])
        assert best < log_loss(groups, 0.0) == pytest.approx(np.log(5.0))
        for factor in (0.8, 1.25):
            assert best < log_loss(groups, factor * start.temperatures[method][place])


def test_what_no_learner_learns_stays_as_it_was() -> None:
    start = LearnedInitialization(lda_prior_rows=7.0, distances={"image": 0.5})

    found = with_learned(start, [Ridge(penalty=2.0), ProtoSteps(steps=2, step_size=0.5)])

    assert found.ridge_penalty == pytest.approx(2.0)
    assert found.gradient_steps == pytest.approx((0.5, 0.5))
    assert (found.lda_prior_rows, found.distances) == (7.0, {"image": 0.5})


def test_a_written_start_is_read_back(tmp_path: Path) -> None:
    start = LearnedInitialization(ridge_penalty=0.125, temperatures={"ridge": (1.0, 2.0, 3.0)})

    write_start(start, tmp_path / "start.safetensors", {"recipe": "a"})

    again = LearnedInitialization.from_tensors(load_file(tmp_path / "start.safetensors"))
    assert again.ridge_penalty == 0.125
    assert again.temperatures == {"ridge": (1.0, 2.0, 3.0)}
    assert [path.name for path in tmp_path.iterdir()] == ["start.safetensors"]
