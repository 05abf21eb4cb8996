"""Spoken words, from the espeak-ng synthesizer."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import MissingDependency
from headstart.training.demo_clips.material import decode_sound


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How somebody speaks.

    Args:
        name: espeak-ng's voice and variant, for instance ``en-us+m7``.
        words_per_minute: speaking rate.
        pitch: 0–99, espeak-ng's own scale.
    """

    name: str
    words_per_minute: int = 140
    pitch: int = 50


def speak(text: str, voice: Voice) -> NDArray[np.float32]:
    """The spoken text, float32 ``(samples,)`` at ``material.AUDIO_RATE_HZ``, peak 1.

    Raises:
        MissingDependency: espeak-ng is not installed, or does not know the voice.
    """
    rate, pitch = str(voice.words_per_minute), str(voice.pitch)
    command = ["espeak-ng", "-v", voice.name, "-s", rate, "-p", pitch, "--stdout", text]
    try:
        spoken = subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise MissingDependency(
            f"espeak-ng could not speak {text!r} with the voice {voice.name!r}; expected the"
            " program and its voices: run 'apt-get install espeak-ng'"
        ) from error
    return decode_sound(spoken.stdout)
