"""The storyboard's words: clips, the shots in them, and what is held up or sounds in a shot."""

from __future__ import annotations

from dataclasses import dataclass, field

from headstart.training.demo_clips.camera import Light
from headstart.training.demo_clips.voices import Voice


@dataclass(frozen=True, kw_only=True)
class Held:
    """A photograph held up to the camera.

    Args:
        photograph: its name in ``photographs.PHOTOGRAPHS``.
        size: the longer side as a share of the frame's height.
        angle_deg: turned clockwise.
        turn_deg: how far it is slowly turned to and fro, once in five seconds.
        x, y: offset from the frame's centre, as a share of its width and height.
        cut: cut the thing out of its photograph; False holds up the whole picture as a print.
    """

    photograph: str
    size: float = 0.8
    angle_deg: float = 0.0
    turn_deg: float = 0.0
    x: float = 0.0
    y: float = 0.0
    cut: bool = True


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Part of a recording.

    Args:
        sound: its name in ``recordings.SOUNDS``.
        at_s: seconds after the shot's start.
        from_s: where in the recording it begins.
        length_s: how much of it is heard.
        peak: level of its loudest sample, 0–1.
    """

    sound: str
    at_s: float
    from_s: float = 0.0
    length_s: float = 3.0
    peak: float = 0.4


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """Words said by somebody.

    Args:
        text: the words.
        voice: who says them.
        at_s: seconds after the shot's start.
        peak: level of the loudest sample, 0–1.
    """

    text: str
    voice: Voice
    at_s: float
    peak: float = 0.45


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A stretch of a clip in which one thing is shown, heard, or both; or nothing.

    Args:
        thing: what it is, in words; ``nothing`` for a gap.
        label: the class it was enrolled as; None if it never was.
        seconds: how long.
        held: what is seen.
        sounds: what is heard.
        light: how it is lit.
        look: which surface of the clip's room the camera looks at.
        covered: a hand covers the lens.
    """

    thing: str
    label: str | None = None
    seconds: float = 3.2
    held: Held | None = None
    sounds: tuple[Recorded | Spoken, ...] = ()
    light: Light = field(default_factory=Light)
    look: int = 0
    covered: bool = False

    @property
    def modalities(self) -> tuple[str, ...]:
        """What holds the thing: ``image``, ``audio``, both, or nothing."""
        there = {"image": self.held is not None, "audio": bool(self.sounds)}
        return tuple(name for name, present in there.items() if present)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One file.

    Args:
        name: the file's name without its ending.
        role: ``enrol``, ``live`` or ``background``.
        label: the class that an ``enrol`` clip teaches; None otherwise.
        tracks: the tracks the file has: ``image``, ``audio`` or both.
        room: the surfaces side by side, as ``surfaces.surface`` names them.
        tone_db: the room's own noise, dB relative to full scale (RMS).
        seed: whose hand, which sensor, which microphone.
        shots: what happens, one after the other.
    """

    name: str
    role: str
    label: str | None = None
    tracks: tuple[str, ...] = ("image", "audio")
    room: tuple[str, ...] = ("bench",)
    tone_db: float = -62.0
    seed: int
    shots: tuple[Shot, ...]

    @property
    def seconds(self) -> float:
        """The clip's length."""
        return sum(shot.seconds for shot in self.shots)

    def timed_shots(self) -> list[tuple[float, float, Shot]]:
        """Each shot with its start and end in seconds."""
        timed, start = [], 0.0
        for shot in self.shots:
            timed.append((start, start + shot.seconds, shot))
            start += shot.seconds
        return timed


def repeated(
    sound: str, times_s: tuple[float, ...], *, length_s: float, peak: float = 0.4, from_s: float = 0
) -> tuple[Recorded, ...]:
    """The same short sound several times."""
    return tuple(
        Recorded(sound=sound, at_s=at, from_s=from_s, length_s=length_s, peak=peak)
        for at in times_s
    )


def nothing(seconds: float = 1.0, *, light: Light | None = None, look: int = 0) -> Shot:
    """A gap: the empty room, and only its own noise."""
    return Shot(thing="nothing", seconds=seconds, light=light or Light(), look=look)
