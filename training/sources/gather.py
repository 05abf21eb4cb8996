"""A recipe's sources, fetched, listed and embedded, with progress bars."""

from __future__ import annotations

import functools
import logging
import sys
from collections import Counter
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.errors import ConfigError
from headstart.training.sources.backgrounds import backgrounds
from headstart.training.sources.cache import Cache
from headstart.training.sources.catalogue import items_of, thinned
from headstart.training.sources.effects import effects
from headstart.training.sources.embedded import Embedded, Scenery, embed_items, merged
from headstart.training.sources.item import Item, Reading
from headstart.training.sources.recipe import DataRecipe, SourceUse

logger = logging.getLogger(__name__)

NOISE_CLIPS = 60


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Everything a recipe names, as raw embeddings."""

    embedded: Embedded

    def report(self) -> str:
        """One line: rows by kind, and what was skipped."""
        kinds = Counter(self.embedded.facts["kind"].tolist())
        rows = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        return f"{rows}; {len(self.embedded.skipped)} items skipped"


def chosen_items(use: SourceUse, cache: Cache) -> list[Item]:
    """The items that a recipe's entry asks for.

    Raises:
        ConfigError: the source does not exist, or nothing of it is left.
    """
    items = [item for item in items_of(use.name, cache) if item.kind in use.kinds]
    chosen = thinned(items, use.share)
    if not chosen:
        raise ConfigError(
            f"nothing is left of source {use.name!r} with kinds {list(use.kinds)} and share"
            f" {use.share}; expected items: widen them"
        )
    return chosen


def scenery(cache: Cache) -> Scenery:
    """Photo backgrounds, and effect sounds that may be noise behind other sounds."""
    photos = [array for _, array in Reading(items=backgrounds(cache))]
    clips = [array for _, array in Reading(items=_spread(effects(cache)))]
    return Scenery(backgrounds=photos, noises=clips)


def _spread(items: list[Item]) -> list[Item]:
    """``NOISE_CLIPS`` of them, evenly over the list."""
    return items[:: max(1, len(items) // NOISE_CLIPS)][:NOISE_CLIPS]


def gather(
    recipe: DataRecipe, embedder: Embedder, cache: Cache, console: Console | None = None
) -> Gathered:
    """Fetch, list and embed a recipe's sources; what is in the cache is not done again.

    Raises:
        ConfigError, MissingDependency, ArtifactError: as the sources.
        BackendError: an encoder failed.
    """
    conditions: dict[str, tuple[str, ...]] = {
        "image": recipe.conditions.image,
        "audio": recipe.conditions.audio,
    }
    parts: list[Embedded] = []
    behind = scenery(cache)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console or Console(file=sys.stderr),
    ) as progress:  # fmt: skip
        for use in recipe.sources:
            task = progress.add_task(f"{use.name}: fetching", total=None)
            items = chosen_items(use, cache)
            progress.update(task, description=f"{use.name}: embedding", total=len(items))
            parts.append(
                embed_items(
                    use.name, items, conditions, embedder, behind, cache,
                    advance=functools.partial(progress.advance, task),
                )
            )  # fmt: skip
            progress.update(task, description=use.name, completed=len(items))
    gathered = Gathered(embedded=merged(parts))
    for skip in gathered.embedded.skipped:
        logger.warning("skipped %s of %s: %s", skip.key, skip.source, skip.reason)
    return gathered
