"""A training's state on disk: written whole or not at all, so that it can always be resumed."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from headstart.runtime.errors import ArtifactError

NAME = "checkpoint.pt"


@dataclass(kw_only=True)
class Checkpoint:
    """Everything that the next step depends on.

    Random numbers are not in it: they depend on the seed and the step alone.

    Args:
        recipe: digest of what is trained; another recipe cannot go on from here.
        step: finished steps.
        learner, optimiser, schedule: their state dicts.
        best: the learner's state at the best validation so far, and that accuracy in percent.
        history: one entry for each reported step.
    """

    recipe: str
    step: int
    learner: dict[str, Any]
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    best: dict[str, Any] | None = None
    best_accuracy: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)


def save(checkpoint: Checkpoint, folder: Path) -> None:
    """Write into ``folder``, replacing what was there only once the new one is whole.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old one is still there.
    """
    # Through memory: torch's own file writer reports a full disk without its error number.
    buffer = io.BytesIO()
    torch.save(vars(checkpoint), buffer)
    path = folder / NAME
    draft = path.with_suffix(".draft")
    try:
        with draft.open("wb") as out:
            out.write(buffer.getbuffer())
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load(folder: Path, recipe: str) -> Checkpoint | None:
    """The checkpoint in ``folder``; None if there is none.

    Raises:
        ArtifactError: it is damaged, or of another recipe.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        # weights_only: tensors and plain values; nothing in the file can run.
        found = Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises whatever its reader stumbled on
        raise ArtifactError(
            f"checkpoint {path} cannot be read ({type(error).__name__}); expected what an earlier"
            " training wrote: delete it to start again"
        ) from error
    if found.recipe != recipe:
        raise ArtifactError(
            f"checkpoint {path} is of another recipe or of other data; expected the one that it was"
            " started with: delete it to start again, or choose another --out"
        )
    return found
