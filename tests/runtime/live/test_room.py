from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.live.room import Room, listen
from headstart.runtime.sample import AudioClip
from headstart.runtime.sources.quality import QUIET_DBFS, loudness_dbfs

RATE = 16_000


def noise(dbfs: float, seconds: float = 1.5, seed: int = 0) -> NDArray[np.float32]:
    samples = np.random.default_rng(seed).normal(0, 10 ** (dbfs / 20), round(RATE * seconds))
    return samples.astype(np.float32)


def after(*clips: NDArray[np.float32]) -> Room:
    room = Room()
    for samples in clips:
        room = listen(room, AudioClip(samples=samples))
    return room


def test_before_anything_is_heard_a_usual_room_is_assumed() -> None:
    assert Room().quiet_dbfs == QUIET_DBFS


@pytest.mark.parametrize("dbfs", [-62.0, -54.0, -52.0])
def test_steady_noise_of_the_room_stays_below_what_counts(dbfs: float) -> None:
    room = after(noise(dbfs))

    later = loudness_dbfs(AudioClip(samples=noise(dbfs, seed=1)))
    assert later < room.quiet_dbfs


def test_a_voice_that_pauses_stands_out_from_a_loud_room() -> None:
    spoken = noise(-52)
    spoken[RATE // 2 : RATE] += noise(-40, 0.5, seed=2)

    room = after(spoken)

    assert loudness_dbfs(AudioClip(samples=spoken)) > room.quiet_dbfs


def test_a_machine_that_runs_on_is_heard() -> None:
    humming = noise(-40)

    assert after(*[humming] * 50).quiet_dbfs == -45.0
    assert loudness_dbfs(AudioClip(samples=humming)) > -45.0


def test_in_a_very_quiet_room_the_usual_limit_holds() -> None:
    assert after(noise(-75)).quiet_dbfs == QUIET_DBFS


def test_a_muted_stretch_and_no_sound_at_all_tell_nothing() -> None:
    room = after(noise(-52))

    assert listen(room, None) is room
    assert listen(room, AudioClip(samples=np.zeros(RATE, np.float32))) is room


def test_a_room_that_became_louder_is_known_after_ten_seconds() -> None:
    quiet = after(*[noise(-70)] * 3)

    louder = quiet
    for _ in range(40):
        louder = listen(louder, AudioClip(samples=noise(-52)))

    assert quiet.quiet_dbfs == QUIET_DBFS
    assert louder.quiet_dbfs == pytest.approx(-46.0, abs=1.0)
    assert len(louder.quietest_dbfs) == 40
