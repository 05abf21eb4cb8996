"""Runs a learner recipe from data to figures: what ``headstart train`` calls."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from headstart.runtime.errors import ConfigError
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.training.comparison import Row, accuracies, compare, fixed_episodes, markdown
from headstart.training.distributed import Team, joined_team
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.tensors import Episodes
from headstart.training.learned_start import (
    METHODS,
    SHOTS,
    with_learned,
    with_temperatures,
    write_start,
)
from headstart.training.learner_data import LearnerData, learner_data
from headstart.training.learner_recipe import LearnerRecipe, read_learner_recipe
from headstart.training.learners.catalogue import LearnerOptions
from headstart.training.learners.lda import Lda
from headstart.training.learners.learner import Learner
from headstart.training.outer_loop import OuterLoop
from headstart.training.outer_loop import Progress as Told
from headstart.training.splits import Split

logger = logging.getLogger(__name__)

START_NAME, TABLE_NAME, REPORT_NAME = "start.safetensors", "table.md", "report.json"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a recipe gave.

    Args:
        rows: figures of every learner, on validation and on test classes.
        start: the learned initialization, where a learner learns a part of it.
        out: where the files are.
        leads: False in all but one of several processes.
    """

    rows: tuple[Row, ...]
    start: LearnedInitialization | None
    out: Path
    leads: bool


def train_recipe(
    path: Path, out: Path, *, embeddings: Path | None, bundle: Path | None, cache: Path
) -> Trained:
    """Train every learner of a recipe, compare them, and write what was learned.

    Interrupted, the same call goes on from each learner's last checkpoint in ``out``.

    Raises:
        HeadstartError: as the recipe, the data and the outer loop.
        OSError: ``out`` cannot be written.
    """
    recipe = read_learner_recipe(path)
    with joined_team(recipe.training.device) as team:
        data = learner_data(recipe, embeddings=embeddings, bundle=bundle, cache=cache, team=team)
        columns = _columns(data)
        setting = data.setting()
        learners: dict[str, Learner] = {}
        seconds: dict[str, float] = {}
        for options in recipe.chosen:
            name = _unused(title(options), learners)
            learner = options.make(setting)
            began = time.perf_counter()
            _train(learner, name, options, data, columns, out / _file_name(name), team)
            seconds[name] = time.perf_counter() - began
            learners[name] = learner.cpu()
        rows = tuple(compare(learners, columns, seconds))
        start = _start(list(learners.values()), data)
        if team.leads:
            _write(out, recipe, rows, start)
        team.wait()
        return Trained(rows=rows, start=start, out=out, leads=team.leads)


def title(options: LearnerOptions) -> str:
    """The learner's name and every option that is not as usual."""
    given = options.model_dump(exclude_defaults=True, exclude={"name", "learning_rate", "steps"})
    said = ", ".join(f"{key} {value}" for key, value in given.items())
    return f"{options.name} ({said})" if said else options.name


def _columns(data: LearnerData) -> dict[str, list[Episodes]]:
    recipe = data.recipe
    splits: tuple[Split, ...] = ("validation", "test")
    return {
        f"{split} {recipe.evaluation.ways}w{shots}s": fixed_episodes(
            data.rows(split), recipe.episodes, recipe.evaluation, shots
        )
        for split in splits
        for shots in recipe.evaluation.shots
    }


def _train(
    learner: Learner,
    name: str,
    options: LearnerOptions,
    data: LearnerData,
    columns: Mapping[str, list[Episodes]],
    folder: Path,
    team: Team,
) -> None:
    recipe = data.recipe
    own = {"learning_rate": options.learning_rate, "steps": options.steps}
    settings = recipe.training.model_copy(
        update={key: value for key, value in own.items() if value is not None}
    )
    validation = [episodes for key, episodes in columns.items() if key.startswith("validation")]

    def score(candidate: Learner) -> float:
        shares = [
            accuracies(candidate, [e.to(team.device) for e in episodes]).mean()
            for episodes in validation
        ]
        return 100.0 * float(sum(shares) / len(shares))

    rows = data.rows("train")
    with _shown(name, settings.steps, team) as progress:
        OuterLoop(
            learner=learner,
            sampler=EpisodeSampler(table=rows.table, plan=recipe.episodes, seed=settings.seed),
            rows=rows,
            settings=settings,
            folder=folder,
            recipe=_digest(recipe, options, data),
            team=team,
            score=score,
            progress=progress,
        ).run()


@contextmanager
def _shown(name: str, steps: int, team: Team) -> Iterator[Told]:
    """A progress bar on stderr, where somebody looks."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(file=sys.stderr, markup=False),
        disable=not (team.leads and sys.stderr.isatty()),
    ) as bar:  # fmt: skip
        task = bar.add_task(name, total=steps)
        newest: dict[str, float] = {}

        def told(step: int, figures: dict[str, float]) -> None:
            newest.update(figures)
            said = ", ".join(f"{key} {value:.3g}" for key, value in newest.items())
            bar.update(task, completed=step, description=f"{name}: {said}")

        yield told


def _start(learners: list[Learner], data: LearnerData) -> LearnedInitialization | None:
    """The learned values with temperatures for them; None where nothing ships."""
    if not any(learner.learned() for learner in learners):
        return None
    rows, recipe = data.rows("validation"), data.recipe
    episodes: dict[int, list[Episodes]] = {}
    for shots in SHOTS:
        try:
            episodes[shots] = fixed_episodes(rows, recipe.episodes, recipe.evaluation, shots)
        except ConfigError as error:
            if shots == SHOTS[0]:
                raise
            logger.warning("temperatures of %d shots are those of fewer: %s", shots, error)
            episodes[shots] = episodes[shots - 1]
    # LDA solves as many equations as there are axes: only where its own value was learned.
    methods = [m for m in METHODS if m != "lda" or any(isinstance(one, Lda) for one in learners)]
    return with_temperatures(with_learned(LearnedInitialization(), learners), episodes, methods)


def _write(
    out: Path, recipe: LearnerRecipe, rows: tuple[Row, ...], start: LearnedInitialization | None
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    figures = report(rows)
    (out / TABLE_NAME).write_text(markdown(rows) + "\n", "utf-8")
    said = {"recipe": recipe.model_dump(mode="json"), "learners": figures}
    (out / REPORT_NAME).write_text(json.dumps(said, indent=1) + "\n", "utf-8")
    if start is not None:
        write_start(start, out / START_NAME, {"recipe": recipe.model_dump_json()})


def report(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """The figures as plain values."""
    return [dataclasses.asdict(row) for row in rows]


def _digest(recipe: LearnerRecipe, options: LearnerOptions, data: LearnerData) -> str:
    """Of everything that a training's result depends on, its own learner alone included."""
    alone = recipe.model_dump(mode="json", exclude={"learner", "learners"})
    digest = hashlib.sha256(json.dumps([alone, options.model_dump(mode="json")]).encode())
    for stream, points in sorted(data.table.points.items()):
        digest.update(stream.encode())
        digest.update(points.tobytes())
    for names in (data.table.class_name, data.table.variant, data.table.condition):
        digest.update("\n".join(names.tolist()).encode())
    return digest.hexdigest()


def _unused(name: str, taken: Mapping[str, object]) -> str:
    number = 2
    unused = name
    while unused in taken:
        unused, number = f"{name} #{number}", number + 1
    return unused


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "_" for c in name)
