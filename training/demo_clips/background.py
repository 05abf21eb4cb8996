"""The background clip: many distinct things that are neither enrolled nor shown later.

Twenty-four things of two seconds: what a threshold needs is distinct things, not long looks.
"""

from __future__ import annotations

from headstart.training.demo_clips.camera import Light
from headstart.training.demo_clips.photographs import PHOTOGRAPHS
from headstart.training.demo_clips.recordings import SOUNDS
from headstart.training.demo_clips.shots import Clip, Held, Recorded, Shot, Spoken
from headstart.training.demo_clips.voices import Voice

_SECONDS = 2.0
_PASSER_BY = Voice(name="en-us+m4", words_per_minute=145, pitch=50)
_ANOTHER = Voice(name="en-us+f2", words_per_minute=150, pitch=60)
_LIGHTS = (Light(), Light(exposure=0.8, warmth=0.6), Light(exposure=0.65, warmth=-0.4, noise=4))

# (photograph, cut out of its picture?, what sounds meanwhile: a recording, words, or nothing)
_SEEN: tuple[tuple[str, bool, str], ...] = (
    ("pliers", True, ""),
    ("plate", True, "glass"),
    ("sickle", True, "said: where is the key"),
    ("cutlery", True, "cowbell"),
    ("tweezers", True, ""),
    ("chair", True, "door"),
    ("baseball", False, "burp"),
    ("spoons", True, ""),
    ("pencil", True, "said: thank you"),
    ("cup", True, "water"),
    ("bulb", False, ""),
    ("eraser", True, "said: next please"),
    ("coffee", False, ""),
    ("nail-clipper", False, "cymbal"),
    ("pillow", False, ""),
    ("pan", False, "drum-roll"),
    ("koala", False, ""),
    ("macaw", False, "crow"),
    ("bucket", False, ""),
    ("igloo", False, ""),
)
_HEARD = ("printer", "choir", "said: how much is it", "said: see you tomorrow")


def background() -> Clip:
    """The background clip."""
    seen = [
        _shot(i, sound, Held(photograph=key, cut=cut, size=0.9 if cut else 1.05, angle_deg=turn))
        for i, (key, cut, sound) in enumerate(_SEEN)
        for turn in ((i * 37) % 31 - 15,)
    ]
    heard = [_shot(len(seen) + i, sound, None) for i, sound in enumerate(_HEARD)]
    room = ("granite", "brick", "wall")
    return Clip(name="background", role="background", room=room, seed=7, shots=(*seen, *heard))


def _shot(index: int, sound: str, held: Held | None) -> Shot:
    sounds: tuple[Recorded | Spoken, ...] = ()
    heard = ""
    if sound.startswith("said: "):
        text = sound.removeprefix("said: ")
        voice = (_PASSER_BY, _ANOTHER)[index % 2]
        sounds, heard = (Spoken(text=text, voice=voice, at_s=0.4),), f"the words {text!r}"
    elif sound:
        sounds, heard = (Recorded(sound=sound, at_s=0.2, length_s=1.7),), SOUNDS[sound].shows
    seen = PHOTOGRAPHS[held.photograph].shows if held else ""
    place = index * 3 // (len(_SEEN) + len(_HEARD))
    return Shot(
        thing=" and ".join(part for part in (seen, heard) if part),
        seconds=_SECONDS,
        held=held,
        sounds=sounds,
        light=_LIGHTS[place],
        look=place,
    )
