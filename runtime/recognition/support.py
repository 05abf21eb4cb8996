"""What a device has enrolled, in calibrated spaces, ready to be fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ShapeError
from headstart.runtime.fusion.late import Placed


@dataclass(frozen=True, kw_only=True, eq=False)
class Support:
    """Enrolled samples and background.

    Args:
        names: display names of the classes, by position.
        samples: one entry for each enrolled sample.
        labels: class position of each sample ``(samples,)``.
        looks: which independent look at its thing each sample belongs to ``(samples,)``: several
            samples of one burst are one look; left out, every sample is its own.
        background: samples that nothing enrolled stands for.
        things: which distinct thing each background sample shows ``(background,)``.

    Raises:
        ShapeError: labels and samples, or things and background, differ in number; a class has no
            sample.
    """

    names: tuple[str, ...]
    samples: tuple[Placed, ...]
    labels: NDArray[np.int64]
    background: tuple[Placed, ...] = ()
    things: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    looks: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if not self.looks.size:
            object.__setattr__(self, "looks", np.arange(len(self.samples)))
        if (
            self.labels.shape != self.looks.shape
            or self.labels.shape != (len(self.samples),)
            or self.things.shape != (len(self.background),)
        ):
            raise ShapeError(
                f"{len(self.samples)} samples came with labels {self.labels.shape} and"
                f" {len(self.background)} background samples with things {self.things.shape};"
                " expected one each"
            )
        if set(self.labels.tolist()) != set(range(len(self.names))):
            raise ShapeError(
                f"labels came as {sorted(set(self.labels.tolist()))}; expected every class from 0"
                f" to {len(self.names) - 1} at least once and no other"
            )


def number_things(groups: Sequence[str]) -> NDArray[np.int64]:
    """Number distinct things from group names, in order of appearance; an empty name is its own."""
    numbers: dict[str, int] = {}
    things = []
    for index, group in enumerate(groups):
        things.append(numbers.setdefault(group or f"\0{index}", len(numbers)))
    return np.array(things, np.int64)
