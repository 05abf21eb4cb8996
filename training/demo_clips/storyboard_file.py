"""The storyboard as it is written beside the clips, for the demo and for tests."""

from __future__ import annotations

from typing import Any

from headstart.training.demo_clips.shots import Clip, Recorded, Shot


def described(clips: tuple[Clip, ...]) -> dict[str, Any]:
    """All clips as JSON values.

    ``class`` is the enrolled name or null; ``kind`` is ``enrolled``, ``never enrolled`` or
    ``nothing``; ``view`` tells how the picture and the sound relate to those of the enrolment.
    """
    enrolment = {clip.label: clip.shots[0] for clip in clips if clip.role == "enrol"}
    return {"schema": 1, "clips": [_clip(clip, enrolment) for clip in clips]}


def _clip(clip: Clip, enrolment: dict[str | None, Shot]) -> dict[str, Any]:
    return {
        "file": f"{clip.name}.mp4",
        "role": clip.role,
        "class": clip.label,
        "tracks": list(clip.tracks),
        "duration_s": round(clip.seconds, 3),
        "segments": [
            {
                "start_s": round(start_s, 3),
                "end_s": round(end_s, 3),
                "class": shot.label,
                "kind": _kind(shot),
                "thing": shot.thing,
                "modalities": list(shot.modalities),
                "covered": shot.covered,
                "view": _view(clip, shot, enrolment.get(shot.label)),
            }
            for start_s, end_s, shot in clip.timed_shots()
        ],
    }


def _kind(shot: Shot) -> str:
    if not shot.modalities:
        return "nothing"
    return "enrolled" if shot.label else "never enrolled"


def _view(clip: Clip, shot: Shot, enrolled: Shot | None) -> dict[str, str]:
    """How this shot's picture and sound relate to the enrolment's; empty where it has none."""
    if clip.role != "live" or shot.label is None or enrolled is None:
        return {}
    view = {}
    if shot.held and enrolled.held:
        same = shot.held.photograph == enrolled.held.photograph
        view["image"] = "another view of one photograph" if same else "another photograph"
    if shot.sounds:
        first, then = enrolled.sounds[0], shot.sounds[0]
        if isinstance(first, Recorded) and isinstance(then, Recorded):
            same = first.sound == then.sound
            view["audio"] = "one recording, played differently" if same else "another recording"
        else:
            view["audio"] = "another voice"
    return view
