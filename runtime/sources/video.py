"""Video files and network streams: pictures and sound in time order, and samples to learn from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import AudioClip, Frame, Sample
from headstart.runtime.sources.decode import decode, picture_times
from headstart.runtime.sources.media import open_media
from headstart.runtime.sources.quality import is_silent
from headstart.runtime.sources.raw_frame import RawFrame
from headstart.runtime.sources.sound import cut, loudest_start, read_sound_track
from headstart.runtime.sources.source import WINDOW_S

LOUD_S = 1.0
"""The stretch that decides where something happens; one encoder window."""


def iterate_av(
    uri: str | Path, *, image: bool = True, audio: bool = True
) -> Iterator[Frame | AudioClip]:
    """Yield the pictures and the sound of a file or network address, in time order.

    Either track may be missing. Memory stays bounded whatever the length. Pictures are upright
    RGB; sound comes in stretches of some hundredths of a second, mono at 16 kHz. Times are
    seconds from the start of the recording.

    Args:
        uri: a file, or an ``http(s)``, ``rtsp`` or other address that FFmpeg opens.
        image: whether to give pictures.
        audio: whether to give sound.

    Raises:
        CaptureError: missing, empty, cut off, damaged, not reachable, or neither track is there.
    """
    with open_media(uri) as media:
        for item in decode(media, image=image, audio=audio):
            yield item.frame() if isinstance(item, RawFrame) else item


def sample_from_video(path: str | Path, *, shots: int = 1) -> list[Sample]:
    """Choose the moments of a recording that show its thing best; the same file, the same moments.

    One shot: the loudest second, the sharpest picture in it and ``WINDOW_S`` seconds of sound
    around it; the sharpest picture of all where there is no sound. More shots: as many equal
    slices of the recording, from each the sharpest picture and the sound around it. Sound without
    a picture is cut where each slice is loudest; silence is left out.

    Args:
        path: a video file; sound alone or pictures alone will do.
        shots: how many samples to take, at least 1.

    Returns:
        The samples in order of time, all with the path as ``group``. Fewer than ``shots`` only
        where slices of a recording without pictures are silent.

    Raises:
        ConfigError: ``shots`` below 1.
        CaptureError: the file cannot be read, holds too few pictures, or is silent without any.
    """
    if shots < 1:
        raise ConfigError(f"{shots} shots were asked of {path}; expected at least 1")
    survey = _survey(path)
    if survey.pictures == 0:
        samples = _heard(survey, path, shots)
    else:
        samples = _seen(survey, path, shots)
    if not samples:
        raise CaptureError(
            f"{path} shows nothing and is silent from start to end; expected a picture or something"
            " to hear: record it again"
        )
    return samples


@dataclass(frozen=True, kw_only=True, eq=False)
class _Survey:
    """What a first pass over the file finds: all sound, and how many pictures until when."""

    sound: AudioClip | None
    pictures: int
    end_s: float

    def sound_at(self, start_s: float) -> AudioClip | None:
        """``WINDOW_S`` seconds from there; None where there is nothing to hear."""
        if self.sound is None:
            return None
        clip = cut(self.sound, start_s, WINDOW_S)
        return None if clip is None or is_silent(clip) else clip


def _survey(path: str | Path) -> _Survey:
    sound = None
    with open_media(path) as media:
        has_pictures = media.video is not None
        if media.audio is not None:
            sound = read_sound_track(media)
    if sound is not None and is_silent(sound):
        sound = None
    end_s = 0.0 if sound is None else (sound.start_s or 0.0) + sound.duration_s
    pictures = 0
    if has_pictures:
        with open_media(path) as media:
            for time_s in picture_times(media):
                pictures += 1
                end_s = max(end_s, time_s)
    return _Survey(sound=sound, pictures=pictures, end_s=end_s)


def _slices(survey: _Survey, shots: int) -> list[tuple[float, float]]:
    """Split the recording into ``shots`` stretches ``(start_s, end_s)``; one is its loudest."""
    if shots == 1 and survey.sound is not None:
        start_s = (survey.sound.start_s or 0.0) + loudest_start(survey.sound, LOUD_S)
        return [(start_s, start_s + LOUD_S)]
    edges = [survey.end_s * index / shots for index in range(shots)]
    # The last slice is open, so that the last picture is in it.
    return list(zip(edges, [*edges[1:], float("inf")], strict=True))


def _seen(survey: _Survey, path: str | Path, shots: int) -> list[Sample]:
    slices = _slices(survey, shots)
    frames = _sharpest_in(path, slices)
    if len({id(frame) for frame in frames}) < shots:
        raise CaptureError(
            f"{path} holds {survey.pictures} pictures, too few or too uneven for {shots} moments:"
            " ask for fewer shots"
        )
    samples = []
    for (start_s, _), frame in zip(slices, frames, strict=True):
        time_s = frame.time_s or 0.0
        middle_s = start_s + LOUD_S / 2 if shots == 1 else time_s
        samples.append(
            Sample(
                image=frame,
                audio=survey.sound_at(middle_s - WINDOW_S / 2),
                time_s=time_s,
                source=str(path),
                group=str(path),
            )
        )
    return samples


def _sharpest_in(path: str | Path, slices: list[tuple[float, float]]) -> list[Frame]:
    """Find each slice's sharpest picture, or the one on show when it begins if it has none."""
    before: list[RawFrame | None] = [None] * len(slices)
    best: list[tuple[float, RawFrame] | None] = [None] * len(slices)
    with open_media(path) as media:
        for item in decode(media, audio=False):
            if not isinstance(item, RawFrame):
                continue
            if item.time_s >= slices[-1][1] and best[-1] is not None:
                break
            for index, (start_s, end_s) in enumerate(slices):
                if item.time_s < start_s or before[index] is None:
                    before[index] = item
                if start_s <= item.time_s < end_s:
                    score = item.sharpness()
                    held = best[index]
                    if held is None or score > held[0]:
                        best[index] = (score, item)
    chosen = [b[1] if b is not None else a for a, b in zip(before, best, strict=True)]
    frames = {id(raw): raw.frame() for raw in chosen if raw is not None}
    return [frames[id(raw)] for raw in chosen if raw is not None]


def _heard(survey: _Survey, path: str | Path, shots: int) -> list[Sample]:
    if survey.sound is None:
        return []
    samples = []
    length_s = survey.end_s if shots == 1 else survey.end_s / shots
    for index in range(shots):
        part = cut(survey.sound, index * length_s, length_s)
        if part is None:
            continue
        start_s = (part.start_s or 0.0) + loudest_start(part, LOUD_S)
        clip = survey.sound_at(start_s + LOUD_S / 2 - WINDOW_S / 2)
        if clip is not None:
            samples.append(
                Sample(audio=clip, time_s=clip.start_s, source=str(path), group=str(path))
            )
    return samples
