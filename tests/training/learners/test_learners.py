"""What holds for every learner of the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from pydantic import TypeAdapter, ValidationError

from headstart.runtime.errors import ConfigError
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.episodes.tensors import FusedRows
from headstart.training.learners.catalogue import LearnerOptions, Setting
from headstart.training.learners.learner import Learner, cross_entropy
from headstart.training.learners.maml import anil
from headstart.training.outer_loop import OuterLoop, TrainingTable

_OPTIONS: TypeAdapter[LearnerOptions] = TypeAdapter(LearnerOptions)
DIM = 8
LEARNERS: list[dict[str, Any]] = [
    {"name": "prototypical"},
    {"name": "prototypical", "metric": "euclidean"},
    {"name": "prototypical", "metric": "manhattan"},
    {"name": "prototypical", "metric": "learned"},
    {"name": "matching"},
    {"name": "linear"},
    {"name": "ridge"},
    {"name": "lda"},
    {"name": "lda", "covariance": "measured"},
    {"name": "proto-steps"},
    {"name": "maml", "rank": 4},
    {"name": "maml", "rank": 4, "first_order": True},
    {"name": "anil", "rank": 4},
    {"name": "reptile", "rank": 4},
    {"name": "film", "hidden": 4},
    {"name": "multi-task", "rank": 4},
    {"name": "fine-tuning", "rank": 4},
    {"name": "distillation", "student_dim": 6},
]
IDS = ["-".join(str(v) for k, v in one.items() if k not in ("rank", "hidden")) for one in LEARNERS]
every_learner = pytest.mark.parametrize("options", LEARNERS, ids=IDS)


@pytest.fixture(scope="module")
def pictures(toy_table: EmbeddingTable) -> FusedRows:
    return FusedRows(table=toy_table.where(toy_table.modality == "image"), streams=("image",))


def sampler(rows: FusedRows, **keys: Any) -> EpisodeSampler:
    plan = EpisodePlan.model_validate({"ways": [5], "shots": [2], "queries": 3, **keys})
    return EpisodeSampler(table=rows.table, plan=plan, seed=11)


def made(options: dict[str, Any], rows: FusedRows) -> Learner:
    covariance = torch.eye(DIM) * 0.02
    setting = Setting(dim=DIM, classes=len(rows.class_names), covariance=covariance)
    return _OPTIONS.validate_python(options).make(setting)


def trained(options: dict[str, Any], rows: FusedRows, steps: int = 30) -> Learner:
    learner = made(options, rows)
    settings = TrainingTable(steps=steps, episodes=4, learning_rate=1e-2)
    OuterLoop(learner=learner, sampler=sampler(rows), rows=rows, settings=settings).run()
    return learner


@every_learner
def test_it_beats_chance_by_far_after_training(
    options: dict[str, Any], pictures: FusedRows
) -> None:
    learner = trained(options, pictures)
    episodes = pictures.episodes(sampler(pictures).batch(40, 5))

    with torch.no_grad():
        right = (learner(episodes).argmax(dim=-1) == episodes.labels).float().mean()

    assert float(right) > 0.75, "chance is 0.2"


@every_learner
def test_training_lowers_its_loss(options: dict[str, Any], pictures: FusedRows) -> None:
    before, after = made(options, pictures), trained(options, pictures, steps=60)
    episodes = pictures.episodes(sampler(pictures).batch(60, 6))
    if not list(before.parameters()):
        pytest.skip("a baseline without anything to train")
    if options["name"] == "reptile":
        pytest.skip("Reptile has no loss of its own; its sinusoids are tested elsewhere")

    losses = [float(learner.loss(episodes).detach()) for learner in (before, after)]

    assert losses[1] < losses[0]


@every_learner
def test_the_order_of_classes_and_shots_does_not_matter(
    options: dict[str, Any], pictures: FusedRows
) -> None:
    learner = trained(options, pictures, steps=3)
    episodes = pictures.episodes(sampler(pictures, shots=[1, 4], unequal=1.0).batch(3, 7))
    rows = torch.randperm(episodes.support.shape[1], generator=torch.Generator().manual_seed(0))
    ways = torch.tensor([3, 0, 4, 1, 2])
    moved = replace(
        episodes,
        support=episodes.support[:, rows],
        hot=episodes.hot[:, rows][:, :, ways],
        classes=episodes.classes[:, ways],
    )

    with torch.no_grad():
        torch.testing.assert_close(
            learner(moved), learner(episodes)[:, :, ways], atol=1e-4, rtol=1e-4
        )


@every_learner
def test_an_episode_does_not_depend_on_the_others_of_its_batch(
    options: dict[str, Any], pictures: FusedRows
) -> None:
    learner = trained(options, pictures, steps=3)
    together = sampler(pictures).batch(4, 8)

    with torch.no_grad():
        alone = learner(pictures.episodes(together.share(2, 4)))
        torch.testing.assert_close(
            learner(pictures.episodes(together))[2:3], alone, atol=1e-4, rtol=1e-4
        )


@every_learner
def test_what_it_learned_fits_into_the_learned_initialization(
    options: dict[str, Any], pictures: FusedRows
) -> None:
    start = LearnedInitialization(**trained(options, pictures, steps=3).learned())

    again = LearnedInitialization.from_tensors(start.to_tensors())

    assert again.to_tensors().keys() == start.to_tensors().keys()
    for key, tensor in start.to_tensors().items():
        assert again.to_tensors()[key].tolist() == tensor.tolist()


def test_the_scalars_that_ship_move_and_stay_above_zero(pictures: FusedRows) -> None:
    learned: dict[str, Any] = {}
    for name in ("ridge", "lda", "proto-steps"):
        learned.update(trained({"name": name}, pictures).learned())

    untrained = LearnedInitialization()
    assert learned["ridge_penalty"] != untrained.ridge_penalty and learned["ridge_penalty"] > 0
    assert learned["lda_prior_rows"] != untrained.lda_prior_rows and learned["lda_prior_rows"] > 0
    assert len(learned["gradient_steps"]) == 3 and min(learned["gradient_steps"]) > 0


def test_anil_s_inner_loop_leaves_the_body_alone_and_its_outer_loop_does_not(
    pictures: FusedRows,
) -> None:
    learner = anil(DIM, rank=4)
    assert learner.steps.names == ("rows",)

    learner.accumulate(pictures.episodes(sampler(pictures).batch(4, 9)), 1.0)

    assert learner.adapter.up.grad is not None
    assert float(learner.adapter.up.grad.abs().max()) > 0.0


def test_steps_just_below_the_limit_do_not_diverge(pictures: FusedRows) -> None:
    # Vectors that share a direction: where absolute steps did diverge.
    episodes = pictures.episodes(sampler(pictures, shots=[5], ways=[10]).batch(20, 12))
    common = torch.nn.functional.normalize(episodes.support + 3.0, dim=-1)

    def loss(steps: int) -> float:
        head = made({"name": "proto-steps", "inner_steps": steps, "step_size": 3.99}, pictures)
        logits = head(replace(episodes, support=common, queries=common))
        return float(cross_entropy(logits, episodes.hot.argmax(dim=-1)).detach())

    losses = [loss(steps) for steps in range(6)]

    assert losses == sorted(losses, reverse=True) and losses[5] < losses[0]


def test_proto_steps_without_steps_is_a_prototypical_network(pictures: FusedRows) -> None:
    episodes = pictures.episodes(sampler(pictures).batch(4, 10))
    steps = made({"name": "proto-steps", "inner_steps": 0, "scale": 10.0}, pictures)
    prototypes = made({"name": "prototypical", "metric": "euclidean"}, pictures)

    with torch.no_grad():
        torch.testing.assert_close(steps(episodes), prototypes(episodes))


def test_matching_with_endless_sharpness_is_the_nearest_neighbour(pictures: FusedRows) -> None:
    episodes = pictures.episodes(sampler(pictures).batch(4, 11))
    learner = made({"name": "matching", "sharpness": 1e4}, pictures)

    nearest = (episodes.queries @ episodes.support.mT).argmax(dim=-1)
    labels = torch.gather(episodes.hot.argmax(dim=-1), 1, nearest)

    assert (learner(episodes).argmax(dim=-1) == labels).all()


def test_a_learner_with_rows_for_classes_refuses_constructed_pairs(
    toy_table: EmbeddingTable,
) -> None:
    rows = FusedRows(table=toy_table, streams=("image", "sound", "speech"))
    episodes = rows.episodes(sampler(rows, pairing="random").batch(2))
    setting = Setting(dim=rows.dim, classes=len(rows.class_names))

    with pytest.raises(ConfigError, match="expected 'pairing' to be 'none': change"):
        _OPTIONS.validate_python({"name": "multi-task"}).make(setting).loss(episodes)


@pytest.mark.parametrize(
    "options",
    [{"name": "mammal"}, {"name": "ridge", "rank": 3}, {"name": "proto-steps", "inner_steps": 6}],
)
def test_an_option_that_is_not_the_learner_s_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _OPTIONS.validate_python(options)
