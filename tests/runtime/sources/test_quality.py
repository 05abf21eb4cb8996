from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.sample import AudioClip, Frame, Sample
from headstart.runtime.sources.quality import QUIET_DBFS, is_flat, keep_usable, loudness_dbfs

RATE = 16_000


def tone(rms: float, seconds: float = 1.0) -> AudioClip:
    at = np.arange(round(RATE * seconds))
    samples = np.sqrt(2) * rms * np.sin(2 * np.pi * 400 * at / RATE)
    return AudioClip(samples=samples.astype(np.float32))


def picture(pixels: NDArray[np.floating]) -> Frame:
    return Frame(pixels=np.clip(np.round(pixels), 0, 255).astype(np.uint8))


def scene(contrast: float, noise: float, seed: int = 0) -> Frame:
    """A dark half and a light half that are ``contrast`` levels apart, with a sensor's noise."""
    levels = np.full((240, 320, 3), 40.0)
    levels[:, 160:] += contrast
    return picture(levels + np.random.default_rng(seed).normal(0, noise, levels.shape))


def test_loudness_is_that_of_the_loudest_tenth_of_a_second() -> None:
    samples = np.zeros(RATE, np.float32)
    samples[-1700:-100] = tone(0.1, 0.1).samples

    assert loudness_dbfs(AudioClip(samples=samples)) == pytest.approx(-20.0, abs=0.5)


def test_a_clip_shorter_than_a_tenth_of_a_second_is_measured_whole() -> None:
    assert loudness_dbfs(tone(0.01, 0.05)) == pytest.approx(-40.0, abs=0.1)


def test_zeros_have_no_loudness_at_all() -> None:
    assert loudness_dbfs(AudioClip(samples=np.zeros(RATE, np.float32))) == float("-inf")


@pytest.mark.parametrize(("dbfs", "quiet"), [(-62, True), (-56, True), (-54, False), (-30, False)])
def test_a_quiet_room_is_quiet_and_a_voice_is_not(dbfs: float, quiet: bool) -> None:
    assert (loudness_dbfs(tone(10 ** (dbfs / 20))) < QUIET_DBFS) is quiet


def test_the_constant_offset_of_a_cheap_sound_card_is_no_sound() -> None:
    clip = AudioClip(samples=np.full(RATE, 0.2, np.float32))

    assert loudness_dbfs(clip) == float("-inf")


def test_a_covered_lens_is_flat_whatever_the_sensor_s_noise() -> None:
    assert is_flat(scene(contrast=0, noise=4).pixels)


def test_a_scene_in_the_dark_is_not_flat() -> None:
    assert not is_flat(scene(contrast=4, noise=4).pixels)


def test_two_colours_of_the_same_brightness_are_not_flat() -> None:
    pixels = np.full((64, 64, 3), 100.0)
    pixels[:, 32:] = [110.0, 90.0, 100.0]

    assert not is_flat(picture(pixels).pixels)


def test_one_pixel_is_flat() -> None:
    assert is_flat(picture(np.full((1, 1, 3), 200.0)).pixels)


def test_a_good_sample_stays_the_same_object() -> None:
    sample = Sample(image=scene(50, 2), audio=tone(0.1))

    usable = keep_usable(sample)

    assert usable.sample is sample
    assert usable.reasons == {}


def test_a_quiet_room_leaves_the_picture_alone() -> None:
    sample = Sample(image=scene(50, 2), audio=tone(0.0005), time_s=3.0, source="camera 0")

    usable = keep_usable(sample, QUIET_DBFS)

    assert usable.sample is not None
    assert usable.sample.modalities == ("image",)
    assert usable.sample.time_s == 3.0
    assert usable.reasons == {"audio": "nothing is louder than -55 dBFS"}


def test_a_covered_lens_leaves_the_sound_alone() -> None:
    usable = keep_usable(Sample(image=scene(0, 2), audio=tone(0.1)))

    assert usable.sample is not None
    assert usable.sample.modalities == ("audio",)
    assert usable.reasons == {"image": "the picture is one even surface: the lens may be covered"}


def test_of_a_covered_lens_in_a_quiet_room_nothing_is_left() -> None:
    usable = keep_usable(Sample(image=scene(0, 2), audio=tone(0.0001)))

    assert usable.sample is None
    assert set(usable.reasons) == {"image", "audio"}


def test_what_counts_as_quiet_may_be_raised_for_a_loud_room() -> None:
    sample = Sample(image=scene(50, 2), audio=tone(0.005))

    usable = keep_usable(sample, quiet_dbfs=-45.4)

    assert usable.reasons == {"audio": "nothing is louder than -45 dBFS"}
