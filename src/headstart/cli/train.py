"""`headstart train`: meta-train from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli.options import BundleOption, JsonOption, UnusedGallery
from headstart.cli.terminal import say, say_json, say_table


def train(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="A TOML file, as in training/recipes.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where checkpoints and results go. Default: training-NAME, after the recipe.",
            show_default=False,
        ),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Embeddings from an .npz file, instead of the recipe's sources.",
            show_default=False,
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where fetched sources and their embeddings are kept.",
            show_default=False,
        ),
    ] = None,
    bundle: BundleOption = None,
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Meta-train offline from a recipe.

    Sources are fetched and embedded once, then kept. Interrupted, the same command goes on where
    it was. Needs the extra "train". Several processes share the work under torchrun; see
    docs/training.md.

    \b
    headstart train training/recipes/ridge.toml
    headstart train training/recipes/learners.toml --out comparison
    """
    try:
        from headstart.training.sources.cache import default_root
        from headstart.training.train_learners import report, train_recipe
    except ModuleNotFoundError as error:
        from headstart.runtime.errors import MissingDependency

        if error.name is None or error.name.split(".")[0] not in ("torch", "resvg_py"):
            raise
        raise MissingDependency(
            f"training needs {error.name}, which is not installed; expected the extra 'train':"
            " pip install 'headstart[train]'"
        ) from error

    trained = train_recipe(
        recipe,
        Path(f"training-{recipe.stem}") if out is None else out,
        embeddings=embeddings,
        bundle=bundle,
        cache=default_root() if cache is None else cache,
    )
    if not trained.leads:
        return 0
    if as_json:
        say_json({"out": str(trained.out), "learners": report(trained.rows)})
        return 0
    titles = list(trained.rows[0].accuracy)
    say_table(
        ("learner", *titles),
        [(row.name, *(str(row.accuracy[title]) for title in titles)) for row in trained.rows],
    )
    say(f"wrote {trained.out}")
    return 0
