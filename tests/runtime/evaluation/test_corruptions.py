from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.errors import ConfigError
from headstart.runtime.evaluation.corruptions import (
    CORRUPTIONS,
    blur,
    corrupt,
    parse_corruptions,
    pink_noise,
    sample_generator,
)
from headstart.runtime.sample import SAMPLE_RATE_HZ, AudioClip, Frame, Sample


def picture(height: int = 120, width: int = 160, level: int = 200) -> Frame:
    return Frame(pixels=np.full((height, width, 3), level, dtype=np.uint8), time_s=1.5)


def tone(level: float = 0.1, seconds: float = 3.0, start_s: float | None = 2.0) -> AudioClip:
    t = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return AudioClip(
        samples=(level * np.sin(2 * np.pi * 440 * t)).astype(np.float32), start_s=start_s
    )


def both() -> Sample:
    return Sample(image=picture(), audio=tone(), time_s=1.5, source="x.mp4", group="x")


def spoil(sample: Sample, kind: str, seed: int = 0, name: str = "mug/003") -> Sample:
    spoiled = corrupt(sample, kind, sample_generator(seed, name))
    assert spoiled is not None
    return spoiled


def pixels(sample: Sample) -> NDArray[np.uint8]:
    assert sample.image is not None
    return sample.image.pixels


def sound(sample: Sample) -> NDArray[np.float32]:
    assert sample.audio is not None
    return sample.audio.samples


def test_dark_leaves_a_tenth_of_the_light_and_noise_of_four_levels() -> None:
    dark = pixels(spoil(both(), "image:dark"))

    # 57,600 draws around 20: five standard errors are 0.083 for the mean, 0.059 for the spread
    assert dark.dtype == np.uint8
    assert dark.mean() == pytest.approx(20.0, abs=0.083)
    # rounding to whole levels adds 1/12 to the variance
    assert dark.std() == pytest.approx(np.sqrt(16 + 1 / 12), abs=0.059)


def test_dark_clips_at_black() -> None:
    dark = pixels(spoil(Sample(image=picture(level=0)), "image:dark"))

    # half of the noise is below zero, and a little more rounds to it: P(z < 0.5 / 4) = 0.5497
    assert np.mean(dark == 0) == pytest.approx(0.5497, abs=0.011)


@pytest.mark.parametrize(
    ("side", "sigma"),
    [(224, 8.0), (112, 4.0), (448, 16.0), (896, 32.0)],
    ids=["224", "smaller", "larger", "shrunk first"],
)
def test_blur_spreads_a_line_by_eight_pixels_in_224(side: int, sigma: float) -> None:
    line = np.zeros((side, 3 * side, 3), dtype=np.uint8)
    middle = 3 * side // 2
    thickness = side // 28
    line[:, middle - thickness // 2 : middle - thickness // 2 + thickness] = 255

    profile = blur(line)[side // 2, :, 0].astype(np.float64)

    x = np.arange(3 * side)
    mean = (x * profile).sum() / profile.sum()
    variance = ((x - mean) ** 2 * profile).sum() / profile.sum()
    assert profile.sum() == pytest.approx(255 * thickness, rel=0.05)
    assert np.sqrt(variance - thickness**2 / 12) == pytest.approx(sigma, rel=0.05)


def test_blur_of_a_large_picture_is_the_slow_one_within_a_level() -> None:
    import cv2

    small = sample_generator(0, "texture").integers(0, 256, (30, 40, 3), dtype=np.uint8)
    large = small.repeat(30, axis=0).repeat(30, axis=1)
    slow = cv2.GaussianBlur(large, (0, 0), 8 * 900 / 224, borderType=cv2.BORDER_REPLICATE)

    assert np.abs(blur(large).astype(float) - slow.astype(float)).mean() < 1.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 900)])
def test_tiny_pictures_survive_blur(shape: tuple[int, int]) -> None:
    level = picture(*shape, level=77).pixels

    assert np.array_equal(blur(level), level)


@pytest.mark.parametrize("kind", ["audio:noise", "audio:silence"])
def test_a_changed_sound_keeps_its_length_and_times(kind: str) -> None:
    before = both()
    after = spoil(before, kind)

    assert sound(after).shape == sound(before).shape
    assert sound(after).dtype == np.float32
    assert after.audio is not None and after.audio.start_s == 2.0
    assert (after.time_s, after.source, after.group) == (1.5, "x.mp4", "x")
    assert after.image is before.image


def test_a_changed_picture_keeps_its_time_and_the_sound() -> None:
    sample = both()
    after = spoil(sample, "image:dark")

    assert after.image is not None and after.image.time_s == 1.5
    assert after.audio is sample.audio


def test_noise_is_as_strong_as_the_loudest_second() -> None:
    quiet, loud = tone(0.01, 2.0).samples, tone(0.2, 1.0).samples
    clip = np.concatenate([quiet, loud, quiet])
    added = sound(spoil(Sample(audio=AudioClip(samples=clip)), "audio:noise")) - clip

    # a sine's power is half its squared height
    assert np.mean(np.square(added, dtype=np.float64)) == pytest.approx(0.2**2 / 2, rel=1e-3)


def test_noise_on_a_short_clip_is_as_strong_as_the_clip() -> None:
    clip = tone(0.2, 0.25)
    added = sound(spoil(Sample(audio=clip), "audio:noise")) - clip.samples

    assert np.mean(np.square(added, dtype=np.float64)) == pytest.approx(0.02, rel=1e-3)


def test_noise_on_a_loud_clip_turns_the_sum_down_instead_of_clipping() -> None:
    clip = tone(1.0).samples
    noisy = sound(spoil(Sample(audio=AudioClip(samples=clip)), "audio:noise"))
    quiet = sound(spoil(Sample(audio=tone(0.1)), "audio:noise"))

    assert np.abs(noisy).max() == 1.0
    assert noisy / np.abs(noisy).max() == pytest.approx(quiet / np.abs(quiet).max(), abs=1e-5)


def test_noise_at_0_db_of_silence_is_silence() -> None:
    silent = Sample(audio=AudioClip(samples=np.zeros(20_000, dtype=np.float32)))

    assert not sound(spoil(silent, "audio:noise")).any()


def test_one_sample_of_sound_survives_noise() -> None:
    click = Sample(audio=AudioClip(samples=np.array([0.25], dtype=np.float32)))

    # at 0 dB the one sample of noise is as large: it doubles the click or takes it away
    assert abs(float(sound(spoil(click, "audio:noise"))[0]) - 0.25) == pytest.approx(0.25)


def test_pink_noise_has_equal_power_in_every_octave() -> None:
    noise = pink_noise(60 * SAMPLE_RATE_HZ, sample_generator(0, "noise"))
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency = np.fft.rfftfreq(noise.size, 1 / SAMPLE_RATE_HZ)
    octaves = [
        power[(frequency >= low) & (frequency < 2 * low)].sum() for low in (40, 160, 640, 2560)
    ]

    assert octaves / np.mean(octaves) == pytest.approx(1.0, abs=0.08)
    assert power[frequency < 19.9].max() < 1e-12 * power.max()


def test_silence_is_zero() -> None:
    assert not sound(spoil(both(), "audio:silence")).any()


def test_a_missing_modality_leaves_the_other() -> None:
    assert spoil(both(), "image:missing").modalities == ("audio",)
    assert spoil(both(), "audio:missing").modalities == ("image",)


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        (Sample(image=picture()), "image:missing"),
        (Sample(audio=tone()), "audio:missing"),
        (Sample(image=picture(), audio=tone()), "image:missing,audio:missing"),
        (Sample(image=picture()), "image:missing, image:dark"),
    ],
    ids=["image", "audio", "both", "more after nothing is left"],
)
def test_none_is_returned_when_nothing_is_left(sample: Sample, kind: str) -> None:
    assert corrupt(sample, kind, sample_generator(0, "mug/003")) is None


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_sample_without_the_modality_is_left_as_it_is(kind: str) -> None:
    modality = kind.split(":")[0]
    other = Sample(audio=tone()) if modality == "image" else Sample(image=picture())

    assert spoil(other, kind) is other


def test_the_given_sample_is_not_changed() -> None:
    sample = both()
    spoil(sample, "image:dark,audio:noise")

    assert (pixels(sample) == 200).all()
    assert np.array_equal(sound(sample), tone().samples)


@pytest.mark.parametrize("kind", ["image:dark", "audio:noise"])
def test_the_same_seed_and_name_give_the_same_noise_and_others_do_not(kind: str) -> None:
    def numbers(seed: int, name: str) -> bytes:
        spoiled = spoil(both(), kind, seed, name)
        return (pixels(spoiled) if kind == "image:dark" else sound(spoiled)).tobytes()

    once = numbers(0, "mug/003")
    assert numbers(0, "mug/003") == once
    assert numbers(1, "mug/003") != once
    assert numbers(0, "cup/003") != once


def test_kinds_combine_without_changing_each_others_noise() -> None:
    together = spoil(both(), "image:dark,audio:noise")

    assert np.array_equal(pixels(together), pixels(spoil(both(), "image:dark")))
    assert np.array_equal(sound(together), sound(spoil(both(), "audio:noise")))


def test_kinds_apply_in_the_order_given() -> None:
    # dark noise that is blurred afterwards is smooth; noise on a blurred picture is not
    blurred_last = pixels(spoil(both(), "image:dark,image:blur")).std()
    dark_last = pixels(spoil(both(), "image:blur,image:dark")).std()

    assert blurred_last < 1 < 3.9 < dark_last


def test_names_that_are_not_utf8_still_seed() -> None:
    assert sample_generator(0, "caf\udce9").random() != sample_generator(0, "cafe").random()


def test_a_list_is_split_at_commas() -> None:
    assert parse_corruptions("image:dark, audio:noise") == ("image:dark", "audio:noise")


@pytest.mark.parametrize("text", ["image:drak", "image:blur,image:drak"])
def test_an_unknown_kind_lists_the_others_and_the_nearest(text: str) -> None:
    message = (
        "--corrupt was given 'image:drak'; expected one or more, separated by commas, of"
        " image:dark, image:blur, image:missing, audio:noise, audio:silence, audio:missing:"
        " did you mean 'image:dark'?"
    )
    with pytest.raises(ConfigError) as caught:
        parse_corruptions(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["", "image:dark,"])
def test_an_empty_kind_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--corrupt was given ''"):
        parse_corruptions(text)
