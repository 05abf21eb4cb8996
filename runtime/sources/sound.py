"""Sound files as clips: any format, bit depth, channel count and rate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip
from headstart.runtime.sources.decode import decode
from headstart.runtime.sources.media import Media, open_media
from headstart.runtime.sources.quality import is_silent
from headstart.runtime.sources.rolling import MIN_SOUND_S

MAX_SOUND_S = 600.0
"""Longest sound that is read whole: 38 MB. ``iterate_av`` reads longer ones in stretches."""


def read_audio(path: str | Path) -> AudioClip:
    """Read a whole sound file: WAV, FLAC, OGG, MP3 or anything that FFmpeg decodes.

    Any depth (8, 16, 24, 32 bits, float), any rate, any number of channels; mono is the plain
    mean of the channels. A video file gives its sound track. Silence is read like any sound:
    ``is_silent`` tells, and ``refuse_silence`` raises.

    Returns:
        The clip, float32 ``(samples,)`` at 16 kHz, ``start_s`` None.

    Raises:
        CaptureError: missing, empty, cut off, damaged, without sound, with NaN or badly scaled
            values, shorter than ``MIN_SOUND_S`` or longer than ``MAX_SOUND_S``.
    """
    with open_media(path) as media:
        if media.audio is None:
            raise CaptureError(
                f"{path} holds no sound; expected a sound track: give a recording with sound"
            )
        clip = read_sound_track(media)
    if clip is None:
        raise CaptureError(
            f"{path} holds less than {MIN_SOUND_S} s of sound; expected something to hear: record"
            " it again"
        )
    return AudioClip(samples=clip.samples)


def read_sound_track(media: Media) -> AudioClip | None:
    """Read the sound track of open media, silence where it has holes.

    Returns:
        The clip with its ``start_s``; None where it is shorter than ``MIN_SOUND_S``.

    Raises:
        CaptureError: damaged, or longer than ``MAX_SOUND_S``.
    """
    clips = (item for item in decode(media, image=False) if isinstance(item, AudioClip))
    return _joined(clips, media.name)


def _joined(clips: Iterable[AudioClip], name: str) -> AudioClip | None:
    parts: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []
    start_s, size = 0.0, 0
    for clip in clips:
        at = round(((clip.start_s or 0.0) - start_s) * SAMPLE_RATE_HZ) if parts else 0
        if not parts:
            start_s = clip.start_s or 0.0
        hole = max(0, at - size)
        if size + hole + clip.samples.size > MAX_SOUND_S * SAMPLE_RATE_HZ:
            raise CaptureError(
                f"{name} holds more than {MAX_SOUND_S:.0f} s of sound; expected a short recording"
                " of one thing: cut it, or run it as a source"
            )
        if hole:
            parts.append(np.zeros(hole, np.float32))
        parts.append(clip.samples)
        size += hole + clip.samples.size
    if size < MIN_SOUND_S * SAMPLE_RATE_HZ:
        return None
    return AudioClip(samples=np.concatenate(parts), start_s=start_s)


def refuse_silence(clip: AudioClip, name: str) -> None:
    """Refuse a silent clip where a class is to be learnt from it.

    Raises:
        CaptureError: ``is_silent``.
    """
    if is_silent(clip):
        raise CaptureError(
            f"{name} is silent from start to end; expected something to hear: check the microphone"
            " and record it again"
        )


def loudest_start(clip: AudioClip, length_s: float) -> float:
    """Return where the loudest ``length_s`` seconds begin, in seconds from the clip's start.

    The first of equals; steps of 10 ms. 0 where the clip is shorter.
    """
    step = SAMPLE_RATE_HZ // 100
    power = np.square(clip.samples[: clip.samples.size // step * step], dtype=np.float64)
    steps = power.reshape(-1, step).sum(axis=1)
    width = round(length_s * 100)
    if steps.size <= width:
        return 0.0
    total = np.concatenate(([0.0], np.cumsum(steps)))
    return int(np.argmax(total[width:] - total[:-width])) / 100


def cut(clip: AudioClip, start_s: float, length_s: float) -> AudioClip | None:
    """Cut ``length_s`` seconds from ``start_s`` on, on the clip's own clock.

    The stretch moves to stay inside the clip where it can.

    Returns:
        The stretch; None where less than ``MIN_SOUND_S`` would be left.
    """
    clip_start_s = clip.start_s or 0.0
    length = min(round(length_s * SAMPLE_RATE_HZ), clip.samples.size)
    first = round((start_s - clip_start_s) * SAMPLE_RATE_HZ)
    first = min(max(first, 0), clip.samples.size - length)
    if length < MIN_SOUND_S * SAMPLE_RATE_HZ:
        return None
    return AudioClip(
        samples=clip.samples[first : first + length].copy(),
        start_s=clip_start_s + first / SAMPLE_RATE_HZ,
    )
