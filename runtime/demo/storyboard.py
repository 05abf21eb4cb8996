"""What the demo's clips show and when: the truth that answers are compared with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headstart.runtime.errors import ArtifactError

CLIPS = Path(__file__).parent / "clips"
"""The clips that are installed with headstart."""

Kind = Literal["enrolled", "never enrolled", "nothing"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Segment(_Part):
    """One stretch of a clip.

    ``thing`` says in words what is shown; ``view`` how its picture and sound relate to those it
    was enrolled with.
    """

    start_s: float = Field(ge=0)
    end_s: float = Field(gt=0)
    label: str | None = Field(alias="class")
    kind: Kind
    thing: str
    modalities: tuple[str, ...]
    covered: bool
    view: dict[str, str]


class Clip(_Part):
    """One file. ``role`` says what the demo does with it."""

    file: str
    role: Literal["enrol", "background", "live"]
    label: str | None = Field(alias="class")
    tracks: tuple[str, ...]
    duration_s: float = Field(gt=0)
    segments: tuple[Segment, ...]


class Storyboard(_Part):
    """All clips of a demo."""

    schema_version: Literal[1] = Field(alias="schema")
    clips: tuple[Clip, ...]

    def of_role(self, role: str) -> tuple[Clip, ...]:
        """The clips that have this role, in order."""
        return tuple(clip for clip in self.clips if clip.role == role)


def read_storyboard(folder: Path = CLIPS) -> Storyboard:
    """Read ``storyboard.json`` of a folder with clips.

    Raises:
        ArtifactError: it is missing, is not one, or a clip that it names is missing.
    """
    path = folder / "storyboard.json"
    try:
        board = Storyboard.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ArtifactError(
            f"the demo's {path} cannot be read ({error.strerror}); expected it to be installed:"
            " install headstart again"
        ) from error
    except (ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ArtifactError(
            f"{path} is not a storyboard ({reason}); expected the one that comes with the clips:"
            " install headstart again"
        ) from error
    missing = [clip.file for clip in board.clips if not (folder / clip.file).is_file()]
    if missing:
        raise ArtifactError(
            f"{folder} lacks {', '.join(missing)}; expected the clips that its storyboard names:"
            " install headstart again"
        )
    return board
