"""The live clip: the enrolled things again, things that never were, and gaps.

Three places with three lights: a stone worktop by day, a brick wall in warm light, a painted wall
in the evening. Somebody else speaks. Where a second photograph or recording exists it is used.
"""

from __future__ import annotations

from headstart.training.demo_clips.camera import Light
from headstart.training.demo_clips.shots import (
    Clip,
    Held,
    Recorded,
    Shot,
    Spoken,
    nothing,
    repeated,
)
from headstart.training.demo_clips.voices import Voice

VISITOR = Voice(name="en-us+f3", words_per_minute=132, pitch=55)
COLLEAGUE = Voice(name="en-us+m1", words_per_minute=150, pitch=40)

_DAY = Light()
_WARM = Light(exposure=0.85, warmth=0.7, noise=3.0)
_EVENING = Light(exposure=0.7, warmth=-0.5, noise=4.5, blur_px=0.9)
_STONE, _BRICK, _WALL = 0, 1, 2


def live() -> Clip:
    """The live clip."""
    shots: list[Shot] = [nothing(1.5, light=_DAY)]
    for place, light, scenes in (
        (_STONE, _DAY, _by_day(_DAY)),
        (_BRICK, _WARM, _in_warm_light(_WARM)),
        (_WALL, _EVENING, _in_the_evening(_EVENING)),
    ):
        if place != _STONE:
            shots.append(nothing(1.2, light=light, look=place))  # the camera pans over
        for shot in scenes:
            shots += [shot, nothing(light=light, look=place)]
    return Clip(
        name="live",
        role="live",
        room=("granite", "brick", "wall"),
        tone_db=-54.0,
        seed=6,
        shots=tuple(shots),
    )


def _by_day(light: Light) -> tuple[Shot, ...]:
    return (
        Shot(
            thing="the red multimeter, beeping more slowly",
            label="multimeter",
            held=Held(photograph="multimeter-red", size=0.72, angle_deg=14, x=0.06),
            sounds=repeated("beep", tuple(0.5 + 0.45 * i for i in range(6)), length_s=0.105),
            light=light,
        ),
        Shot(
            thing="a claw hammer that knocks",
            held=Held(photograph="hammer", size=1.0, angle_deg=-10),
            sounds=repeated("knock", (0.5, 1.2, 1.9, 2.6), length_s=0.6, peak=0.6),
            light=light,
        ),
        Shot(
            thing="another adjustable wrench",
            label="wrench",
            held=Held(photograph="wrench-2", size=1.05, angle_deg=-40, x=-0.03),
            light=light,
        ),
        Shot(
            thing="a guitar, another recording; the camera sees the worktop",
            label="guitar",
            sounds=(Recorded(sound="guitar-2", at_s=0.1, length_s=3.0),),
            light=light,
        ),
        Shot(
            thing="a spray bottle that hisses",
            held=Held(photograph="spray-bottle", size=0.9, angle_deg=6),
            sounds=repeated("hiss", (0.5, 1.3, 2.1), length_s=0.45, peak=0.35, from_s=1.0),
            light=light,
        ),
    )


def _in_warm_light(light: Light) -> tuple[Shot, ...]:
    return (
        Shot(
            thing="another screwdriver, its name said by somebody else",
            label="screwdriver",
            held=Held(photograph="screwdriver-2", size=1.15, angle_deg=-135),
            sounds=(
                Spoken(text="screwdriver", voice=VISITOR, at_s=0.6),
                Spoken(text="screwdriver", voice=VISITOR, at_s=2.0),
            ),
            light=light,
            look=_BRICK,
        ),
        Shot(
            thing="a tape measure whose mechanism rattles",
            held=Held(photograph="tape-measure", size=1.0, angle_deg=-12),
            sounds=repeated("ratchet", (0.5, 1.9), length_s=1.3, peak=0.5),
            light=light,
            look=_BRICK,
        ),
        Shot(
            thing="the words 'lights out' by somebody else, lens covered",
            label="lights out",
            sounds=(
                Spoken(text="lights out", voice=VISITOR, at_s=0.5),
                Spoken(text="lights out", voice=VISITOR, at_s=1.9),
            ),
            light=light,
            look=_BRICK,
            covered=True,
        ),
        Shot(
            thing="the words 'good morning'; the camera sees the wall",
            sounds=(
                Spoken(text="good morning", voice=COLLEAGUE, at_s=0.5),
                Spoken(text="good morning", voice=COLLEAGUE, at_s=1.9),
            ),
            light=light,
            look=_BRICK,
        ),
        Shot(
            thing="a blue multimeter, silent",
            label="multimeter",
            held=Held(photograph="multimeter-blue", size=0.8, angle_deg=-7),
            light=light,
            look=_BRICK,
        ),
        Shot(
            thing="a tabla; the camera sees the wall",
            sounds=(Recorded(sound="tabla", at_s=0.1, length_s=3.0),),
            light=light,
            look=_BRICK,
        ),
    )


def _in_the_evening(light: Light) -> tuple[Shot, ...]:
    return (
        Shot(
            thing="scissors, and their name said",
            held=Held(photograph="scissors", size=1.0, angle_deg=5),
            sounds=(
                Spoken(text="scissors", voice=COLLEAGUE, at_s=0.5),
                Spoken(text="scissors", voice=COLLEAGUE, at_s=1.9),
            ),
            light=light,
            look=_WALL,
        ),
        Shot(
            thing="the multimeter's beep, lens covered",
            label="multimeter",
            sounds=repeated("beep", tuple(0.3 + 0.4 * i for i in range(7)), length_s=0.105),
            light=light,
            look=_WALL,
            covered=True,
        ),
        Shot(
            thing="a shop till, lens covered",
            sounds=(Recorded(sound="till", at_s=0.3, length_s=2.6),),
            light=light,
            look=_WALL,
            covered=True,
        ),
        Shot(
            thing="the first wrench, turned and in poor light",
            label="wrench",
            held=Held(photograph="wrench-1", size=0.9, angle_deg=25, x=0.03),
            light=light,
            look=_WALL,
        ),
        Shot(
            thing="a laboratory scale",
            held=Held(photograph="laboratory-scale", size=0.9),
            light=light,
            look=_WALL,
        ),
        Shot(
            thing="the first screwdriver, silent",
            label="screwdriver",
            held=Held(photograph="screwdriver-1", size=1.0, angle_deg=20),
            light=light,
            look=_WALL,
        ),
        Shot(
            thing="a cat, silent",
            held=Held(photograph="cat", size=1.1, cut=False, angle_deg=-3),
            light=light,
            look=_WALL,
        ),
        Shot(
            thing="the guitar's first recording from farther away, lens covered",
            label="guitar",
            sounds=(Recorded(sound="guitar-1", at_s=0.1, length_s=3.0, peak=0.2),),
            light=light,
            look=_WALL,
            covered=True,
        ),
        Shot(
            thing="the words 'lights out' by a third person",
            label="lights out",
            sounds=(
                Spoken(text="lights out", voice=COLLEAGUE, at_s=0.5),
                Spoken(text="lights out", voice=COLLEAGUE, at_s=1.9),
            ),
            light=light,
            look=_WALL,
        ),
    )
