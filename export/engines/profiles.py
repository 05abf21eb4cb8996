"""Optimization profiles: between which batch sizes an engine must work, and which is usual.

They follow from the manifest: an engine must take what the view plan produces at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from headstart.runtime.bundle.manifest import ImageViews, StreamEntry
from headstart.runtime.errors import ArtifactError

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The shapes of one input.

    Args:
        input: the input's name.
        least: the smallest.
        usual: what the engine is made fastest for: one live query.
        greatest: the largest; greater batches are cut by the backend.
    """

    input: str
    least: Shape
    usual: Shape
    greatest: Shape

    def __str__(self) -> str:
        least, usual, greatest = (
            "x".join(map(str, shape)) for shape in (self.least, self.usual, self.greatest)
        )
        return f"{self.input}:{least}:{usual}:{greatest}"


def stream_profile(name: str, entry: StreamEntry, max_batch: int) -> Profile:
    """The profile of a stream's encoder.

    Args:
        name: the stream, for messages.
        entry: what the manifest says about it.
        max_batch: of the device: greater batches are cut.

    Raises:
        ArtifactError: another axis than the batch is open: an engine has to know it.
    """
    batch, *sides = entry.input.shape
    fixed = tuple(side for side in sides if isinstance(side, int))
    if isinstance(batch, int) or len(fixed) < len(sides):
        raise ArtifactError(
            f"input {entry.input.name!r} of stream {name!r} has the shape {entry.input.shape};"
            " expected an open batch axis and fixed numbers after it: export the model again"
        )
    live, most = _items_at_once(entry)
    greatest = max(1, min(max_batch, most))
    return Profile(
        input=entry.input.name,
        least=(1, *fixed),
        usual=(min(live, greatest), *fixed),
        greatest=(greatest, *fixed),
    )


def _items_at_once(entry: StreamEntry) -> tuple[int, int]:
    """How many items one live query has, and how many the most demanding sample."""
    plan = entry.views
    if isinstance(plan, ImageViews):
        return len(plan.query), max(len(plan.query), len(plan.support))
    windows = plan.count if plan.placement == "spread" else len(plan.offsets_s)
    return windows, windows
