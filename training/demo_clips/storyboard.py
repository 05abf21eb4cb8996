"""What the clips show: five things enrolled, then a longer clip in which they come again.

Every combination of modalities is enrolled once: picture and noise (multimeter), picture and spoken
name (screwdriver), picture alone (wrench), sound alone (guitar), spoken words alone (lights out).
"""

from __future__ import annotations

from headstart.training.demo_clips.background import background
from headstart.training.demo_clips.live import live
from headstart.training.demo_clips.shots import Clip, Held, Recorded, Shot, Spoken, repeated
from headstart.training.demo_clips.voices import Voice

OWNER = Voice(name="en-us+m7", words_per_minute=140, pitch=45)


def _enrol(label: str, seed: int, tracks: tuple[str, ...], shot: Shot) -> Clip:
    """A clip of one shot; where there is a picture, the thing stays in view from start to end."""
    name = "enrol-" + label.replace(" ", "-")
    return Clip(name=name, role="enrol", label=label, tracks=tracks, seed=seed, shots=(shot,))


def _enrolment_clips() -> tuple[Clip, ...]:
    said = (0.5, 2.0, 3.5)
    return (
        _enrol(
            "multimeter",
            1,
            ("image", "audio"),
            Shot(
                thing="a red multimeter that beeps",
                label="multimeter",
                seconds=5.0,
                held=Held(photograph="multimeter-red", size=0.9, turn_deg=20),
                sounds=repeated(
                    "beep", tuple(0.6 + 0.35 * i for i in range(12)), length_s=0.105, peak=0.4
                ),
            ),
        ),
        _enrol(
            "screwdriver",
            2,
            ("image", "audio"),
            Shot(
                thing="a screwdriver, and its name said",
                label="screwdriver",
                seconds=5.0,
                held=Held(photograph="screwdriver-1", size=1.15, angle_deg=-8, turn_deg=30),
                sounds=tuple(Spoken(text="screwdriver", voice=OWNER, at_s=at) for at in said),
            ),
        ),
        _enrol(
            "wrench",
            3,
            ("image",),
            Shot(
                thing="an adjustable wrench",
                label="wrench",
                seconds=5.0,
                held=Held(photograph="wrench-1", size=1.1, turn_deg=30),
            ),
        ),
        _enrol(
            "guitar",
            4,
            ("audio",),
            Shot(
                thing="a guitar, heard only",
                label="guitar",
                seconds=5.5,
                sounds=(Recorded(sound="guitar-1", at_s=0.3, length_s=5.0, peak=0.5),),
            ),
        ),
        _enrol(
            "lights out",
            5,
            ("audio",),
            Shot(
                thing="the words 'lights out'",
                label="lights out",
                seconds=5.0,
                sounds=tuple(Spoken(text="lights out", voice=OWNER, at_s=at) for at in said),
            ),
        ),
    )


CLIPS: tuple[Clip, ...] = (*_enrolment_clips(), live(), background())
