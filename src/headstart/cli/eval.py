"""`headstart eval`: the yardstick, on a folder of pictures and sounds."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import (
    BundleOption,
    JsonOption,
    StreamsOption,
    UnusedGallery,
    comma_list,
)
from headstart.cli.progress import tracker
from headstart.cli.terminal import counted, notice, say_rich

if TYPE_CHECKING:
    from headstart.runtime.evaluation.evaluate import EvaluationPlan
    from headstart.runtime.evaluation.report import EvaluationResult


def evaluate_data(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="DATA/<class>/<name>.jpg, .wav, .mp4 and the like."),
    ],
    ways: Annotated[int, typer.Option(help="Classes enrolled in each episode.")] = 5,
    shots: Annotated[int, typer.Option(help="Samples enrolled of each class.")] = 1,
    queries: Annotated[int, typer.Option(help="Samples asked about of each class, at most.")] = 10,
    episodes: Annotated[int, typer.Option(help="How many small enrolments to average over.")] = 300,
    seed: Annotated[int, typer.Option(help="The same seed draws the same episodes.")] = 0,
    modalities: Annotated[
        str, typer.Option(metavar="LIST", help="What samples are given with.")
    ] = "image,audio",
    streams: StreamsOption = None,
    head: Annotated[
        str,
        typer.Option(
            help="auto, prototype, prototype:euclidean, prototype:manhattan, prototype:learned,"
            " ridge, lda or gradient."
        ),
    ] = "auto",
    support: Annotated[
        str | None,
        typer.Option(
            metavar="GLOB",
            help="Samples whose name matches are only enrolled, all others only asked about.",
            show_default=False,
        ),
    ] = None,
    unknown_ways: Annotated[
        int, typer.Option(help="Classes asked about that are not enrolled.")
    ] = 0,
    far: Annotated[
        float, typer.Option(help="Share of unknown samples that may be accepted.")
    ] = 0.05,
    background: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Things of the site; classes of the same name in DATA are left out.",
            show_default=False,
        ),
    ] = None,
    corrupt: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Spoil the samples asked about: image:dark, image:blur, image:missing,"
            " audio:noise, audio:silence, audio:missing; several with commas.",
            show_default=False,
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where embeddings are kept. Default: headstart/embeddings in your cache folder.",
            show_default=False,
        ),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute every embedding, keep none.")
    ] = False,
    bundle: BundleOption = None,
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Measure recognition on labelled files.

    Many small enrolments, each asked about samples that it has not seen.
    It runs the code that enrolment and live recognition run. Your gallery is not touched.

    \b
    headstart eval photos/ --ways 5 --shots 1
    headstart eval words/ --support 'alice*' --streams speech
    headstart eval photos/ --unknown-ways 5 --far 0.05 --corrupt image:dark --json
    """
    from headstart.runtime.evaluation.cache import default_cache_folder
    from headstart.runtime.evaluation.corruptions import parse_corruptions
    from headstart.runtime.evaluation.evaluate import EvaluationPlan

    if no_cache and cache is not None:
        raise typer.BadParameter("give --cache or --no-cache, not both")
    plan = EvaluationPlan(
        ways=ways,
        shots=shots,
        queries=queries,
        episodes=episodes,
        seed=seed,
        modalities=comma_list(modalities, "--modalities") or (),
        head=head,
        support_glob=support,
        unknown_ways=unknown_ways,
        false_accept_share=far,
        corruption="" if corrupt is None else ",".join(parse_corruptions(corrupt)),
        cache_folder=None if no_cache else (cache or default_cache_folder()),
    )
    result = _evaluate(data, plan, bundle, comma_list(streams, "--streams"), background)
    if as_json:
        print(result.to_json())
    else:
        from headstart.runtime.evaluation.report import render_table

        say_rich(render_table(result))
    if result.samples_left_out:
        notice(f"{counted(result.samples_left_out, 'sample')} of {data} could not be used")
    return 0


def _evaluate(
    data: Path,
    plan: EvaluationPlan,
    bundle: Path | None,
    streams: tuple[str, ...] | None,
    background: Path | None,
) -> EvaluationResult:
    from headstart.runtime.evaluation.evaluate import evaluate
    from headstart.runtime.recognizer import Recognizer

    with (
        TemporaryDirectory(prefix="headstart-eval-") as folder,
        Recognizer.open(
            bundle,
            Path(folder) / "gallery.sqlite",
            streams=streams,
            head=plan.head,
            false_accept_share=plan.false_accept_share,
        ) as recognizer,
    ):
        return evaluate(
            recognizer,
            data,
            plan,
            background=background,
            track_items=tracker("embedding"),
            track_episodes=tracker("episodes"),
        )
