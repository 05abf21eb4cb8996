"""Words spoken by a synthesizer in many voices: class = word, variant = voice."""

from __future__ import annotations

import functools
import io
import shutil
import subprocess
import wave
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError, MissingDependency
from headstart.runtime.sources.resample import Resampler
from headstart.training.sources.item import Item

VOICES = (
    "en+m3", "en+f2", "en-us+m7", "en-us+f4", "en-gb-scotland+m1", "en-gb-x-rp+f3", "en-029+m5",
    "en+croak",
)  # fmt: skip
"""eSpeak NG language + variant."""
SPEEDS_WPM = (150, 175, 200, 165)
"""Words a minute, for the voices in turn."""


def spoken_words(words: Sequence[str]) -> list[Item]:
    """Every word in every voice; class ``espeak/<word>``. The installed ``espeak-ng`` speaks."""
    return [
        Item(
            key=f"{voice}/{word}",
            origin=functools.partial(_speak, word, voice, SPEEDS_WPM[index % len(SPEEDS_WPM)]),
            modality="audio",
            class_name=f"espeak/{word}",
            variant=f"espeak-{voice}",
            kind="speech",
            source="espeak",
            licence="GPL-3.0-or-later",
        )
        for word in words
        for index, voice in enumerate(VOICES)
    ]


def _speak(word: str, voice: str, speed_wpm: int) -> NDArray[np.float32]:
    """One word as float32 ``(samples,)`` at 16 kHz.

    Raises:
        MissingDependency: espeak-ng is not installed.
        CaptureError: the synthesizer said nothing.
    """
    if shutil.which("espeak-ng") is None:
        raise MissingDependency(
            "espeak-ng is not installed; it speaks the words: apt-get install espeak-ng"
        )
    command = ["espeak-ng", "-v", voice, "-s", str(speed_wpm), "--stdout", "--", word]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0 or len(done.stdout) <= 44:
        raise CaptureError(
            f"espeak-ng said nothing for {word!r} in {voice}; expected speech: left out"
        )
    with wave.open(io.BytesIO(done.stdout)) as reader:
        rate_hz = reader.getframerate()
        # The header of a piped WAV claims an endless sound: read what is there.
        pcm = np.frombuffer(done.stdout[44:], "<i2").astype(np.float32) / np.float32(32768)
    resampler = Resampler()
    clips = resampler.push(pcm, rate_hz) + resampler.flush()
    return np.concatenate([clip.samples for clip in clips])
