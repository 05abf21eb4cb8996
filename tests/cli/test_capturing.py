"""Taking samples from something live, one moment after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from headstart.cli.capturing import SOUND_S, capture, live_rate_hz
from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import AudioClip, Frame, Sample

_FRAME = Frame(pixels=np.full((4, 4, 3), 128, np.uint8))


def _clip(seconds: float, loud: float = 0.5) -> AudioClip:
    time_s = np.arange(round(seconds * 16_000)) / 16_000
    return AudioClip(samples=(loud * np.sin(2764 * time_s)).astype(np.float32))


@dataclass
class _Given:
    """A source of what it was given; counts how many samples were taken."""

    moments: list[Sample]
    name: str = "the shelf"
    taken: int = field(default=0)

    def samples(self) -> Iterator[Sample]:
        for moment in self.moments:
            self.taken += 1
            yield moment


def _capture(source: _Given, shots: int, *, image: bool, sound: bool) -> list[Sample]:
    return capture(
        source,  # type: ignore[arg-type]
        shots,
        burst="now",
        with_image=image,
        with_sound=sound,
    )


def test_it_stops_at_the_number_asked_for_and_all_share_a_group() -> None:
    source = _Given([Sample(image=_FRAME)] * 9)

    taken = _capture(source, 3, image=True, sound=False)

    assert (len(taken), source.taken) == (3, 3)
    assert {sample.group for sample in taken} == {"now"}


def test_sound_counts_only_when_the_window_is_full_and_audible() -> None:
    whole = _clip(SOUND_S)
    source = _Given(
        [
            Sample(audio=_clip(0.5)),
            Sample(image=_FRAME),
            Sample(audio=_clip(SOUND_S, loud=0.0)),
            Sample(audio=whole),
        ]
    )

    (taken,) = _capture(source, 1, image=False, sound=True)

    assert taken.audio is whole


def test_a_silent_track_beside_a_picture_is_left_out() -> None:
    source = _Given([Sample(image=_FRAME, audio=_clip(1.0, loud=0.0))])

    (taken,) = _capture(source, 1, image=True, sound=False)

    assert taken.modalities == ("image",)


def test_a_source_that_ends_early_gives_what_there_was() -> None:
    assert len(_capture(_Given([Sample(image=_FRAME)] * 2), 5, image=True, sound=False)) == 2


def test_a_covered_or_muted_device_ends_it_after_a_while() -> None:
    muted = _Given([Sample(audio=_clip(SOUND_S, loud=0.0))] * 1000)

    with pytest.raises(
        CaptureError, match="the shelf gave no sample with sound; expected 2: check"
    ):
        _capture(muted, 2, image=False, sound=True)

    assert muted.taken < 30


def test_no_shots_are_refused() -> None:
    with pytest.raises(ConfigError, match="--shots was 0; expected 1 or more"):
        _capture(_Given([]), 0, image=True, sound=False)


@pytest.mark.parametrize("with_sound", [False, True])
def test_samples_are_at_least_seven_tenths_of_a_second_apart(with_sound: bool) -> None:
    assert 1 / live_rate_hz(with_sound) >= 0.7
