"""Films every clip of the storyboard and writes the storyboard beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ConfigError
from headstart.training.demo_clips.camera import (
    FRAME_PX,
    FRAME_RATE_HZ,
    SHUTTER_S,
    SUBFRAMES,
    Camera,
    Light,
    similarity,
)
from headstart.training.demo_clips.clip_file import write_clip
from headstart.training.demo_clips.material import AUDIO_RATE_HZ, Material
from headstart.training.demo_clips.scene import Thing, hold_up, thing_from
from headstart.training.demo_clips.shots import Clip, Recorded
from headstart.training.demo_clips.sounds import Room, add, excerpt
from headstart.training.demo_clips.storyboard import CLIPS
from headstart.training.demo_clips.storyboard_file import described
from headstart.training.demo_clips.surfaces import SURFACE_PX, world
from headstart.training.demo_clips.voices import speak

_PAN_S = 0.8
_COVERED = 4.0  # what still comes through a hand over the lens, 0–255


def build(material: Material, folder: Path, only: str | None = None) -> None:
    """Write every clip, or one, and ``storyboard.json`` into a folder.

    Raises:
        ConfigError: ``only`` names no clip.
        ArtifactError, MissingDependency: material is missing or is not what the catalogue says.
    """
    chosen = [clip for clip in CLIPS if only in (None, clip.name)]
    if not chosen:
        names = ", ".join(clip.name for clip in CLIPS)
        raise ConfigError(f"no clip is called {only!r}; expected one of: {names}")
    folder.mkdir(parents=True, exist_ok=True)
    for clip in chosen:
        frames = film(clip, material) if "image" in clip.tracks else None
        sound = record(clip, material) if "audio" in clip.tracks else None
        write_clip(folder / f"{clip.name}.mp4", frames, sound)
    text = json.dumps(described(CLIPS), indent=2, ensure_ascii=False)
    (folder / "storyboard.json").write_text(text + "\n", encoding="utf-8")


def film(clip: Clip, material: Material) -> Iterator[NDArray[np.uint8]]:
    """The clip's pictures, uint8 ``(360, 480, rgb)`` each, ``FRAME_RATE_HZ`` a second."""
    camera, room = Camera(clip.seed), world(clip.room, material)
    timed = clip.timed_shots()

    @lru_cache(maxsize=2)
    def thing(photograph: str, cut: bool) -> Thing:
        return thing_from(material.photograph(photograph), cut)

    for index in range(round(clip.seconds * FRAME_RATE_HZ)):
        time_s = index / FRAME_RATE_HZ
        at = max(i for i, (start, _, _) in enumerate(timed) if start <= time_s + 1e-6)
        start_s, end_s, shot = timed[at]
        before = timed[max(0, at - 1)][2]
        looks = _eased(before.look, shot.look, (time_s - start_s) / _PAN_S)
        exposures = []
        for k in range(SUBFRAMES):
            moment_s = time_s + SHUTTER_S * k / SUBFRAMES
            scene = _seen_room(room, looks, camera.pose(moment_s))
            if shot.held is not None:
                scene = hold_up(
                    scene,
                    thing(shot.held.photograph, shot.held.cut),
                    shot.held,
                    # Enrolment begins and ends with the thing in view.
                    since_s=moment_s - start_s + (9 if clip.role == "enrol" else 0),
                    left_s=end_s - moment_s + (9 if clip.role == "enrol" else 0),
                    seed=clip.seed + at,
                )
            exposures.append(np.full_like(scene, _COVERED) if shot.covered else scene)
        light = _between(before.light, shot.light, (time_s - start_s) / _PAN_S)
        yield camera.develop(np.mean(exposures, axis=0, dtype=np.float32), light, time_s)


def record(clip: Clip, material: Material) -> NDArray[np.float32]:
    """The clip's sound, float32 ``(samples,)`` at ``AUDIO_RATE_HZ``."""
    room = Room(clip.seed, clip.tone_db)
    events = np.zeros(round(clip.seconds * AUDIO_RATE_HZ), np.float32)
    for start_s, end_s, shot in clip.timed_shots():
        for heard in shot.sounds:
            at_s = start_s + heard.at_s
            if isinstance(heard, Recorded):
                length_s = min(heard.length_s, end_s - at_s)
                source = material.sound(heard.sound)
                part = excerpt(source, heard.from_s, length_s, peak=heard.peak)
            else:
                part = excerpt(speak(heard.text, heard.voice), 0, end_s - at_s, peak=heard.peak)
            add(events, part, at_s)
    sound = room.heard(events)[: events.size] + room.tone(events.size)
    return np.asarray(np.clip(sound, -0.99, 0.99), np.float32)


def _seen_room(
    room: NDArray[np.uint8], look: float, pose: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The part of the room in the frame, float32 ``(360, 480, rgb)``."""
    import cv2

    height, width = FRAME_PX
    left = look * SURFACE_PX[1] + (SURFACE_PX[1] - width) / 2
    top = (SURFACE_PX[0] - height) / 2
    moved = pose @ similarity(-left, -top, 1.0, 0.0)
    seen = cv2.warpPerspective(room, moved, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.float32)


def _eased(start: float, end: float, share: float) -> float:
    share = min(1.0, max(0.0, share))
    return start + (end - start) * share * share * (3 - 2 * share)


def _between(start: Light, end: Light, share: float) -> Light:
    return Light(
        exposure=_eased(start.exposure, end.exposure, share),
        warmth=_eased(start.warmth, end.warmth, share),
        noise=_eased(start.noise, end.noise, share),
        blur_px=_eased(start.blur_px, end.blur_px, share),
    )
