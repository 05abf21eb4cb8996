"""A few samples from a live source, to learn a class from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from headstart.runtime.errors import CaptureError, ConfigError

if TYPE_CHECKING:
    from headstart.runtime.sample import Sample
    from headstart.runtime.sources.source import Source

PICTURE_SPACING_S = 0.75
"""Time between two pictures: enough to turn the thing a little."""
SOUND_S = 1.5
"""Seconds of sound in each sample, and the time between two of them: they do not overlap."""
_WHOLE_SOUND = 0.9
"""Share of the window that has to be heard: at the start there is less."""
_PATIENCE = 20
"""Moments without anything usable before a device counts as covered or muted."""


def live_rate_hz(with_sound: bool) -> float:
    """Samples a second that a source should give for `capture`."""
    return 1 / (SOUND_S if with_sound else PICTURE_SPACING_S)


def capture(
    source: Source,
    shots: int,
    *,
    burst: str,
    with_image: bool,
    with_sound: bool,
    report: Callable[[int, Sample], None] = lambda taken, sample: None,
) -> list[Sample]:
    """Take samples until there are ``shots``, or the source ends.

    Args:
        source: entered already; gives samples at ``live_rate_hz``.
        shots: how many, at least 1.
        burst: names this occasion: all samples get it as their group.
        with_image: a sample without a picture does not count.
        with_sound: nor does one without a whole, audible window of sound.
        report: called with the number taken so far and the newest.

    Returns:
        At least one sample. A picture whose sound is silent comes without it.

    Raises:
        ConfigError: ``shots`` below 1.
        CaptureError: the source fails, or gives nothing usable.
    """
    if shots < 1:
        raise ConfigError(f"--shots was {shots}; expected 1 or more")
    taken: list[Sample] = []
    passed = 0
    for sample in source.samples():
        usable = _usable(sample, with_image, with_sound)
        if usable is not None:
            taken.append(replace(usable, group=burst))
            report(len(taken), usable)
        else:
            passed += 1
        if len(taken) == shots:
            return taken
        if passed >= _PATIENCE + shots:
            break
    if not taken:
        wanted = " and ".join(
            what for what, on in (("a picture", with_image), ("sound", with_sound)) if on
        )
        raise CaptureError(
            f"{source.name} gave no sample with {wanted or 'anything in it'}; expected {shots}:"
            " check that it is on, not covered and not muted"
        )
    return taken


def _usable(sample: Sample, with_image: bool, with_sound: bool) -> Sample | None:
    from headstart.runtime.sources.quality import is_silent

    heard = sample.audio if sample.audio is None or not is_silent(sample.audio) else None
    if with_image and sample.image is None:
        return None
    if with_sound and (heard is None or heard.duration_s < _WHOLE_SOUND * SOUND_S):
        return None
    return None if sample.image is None and heard is None else replace(sample, audio=heard)
