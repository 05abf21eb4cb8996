"""The simulated camera, the cut-outs and the room's sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import ArtifactError, ConfigError
from headstart.training.demo_clips.build import build
from headstart.training.demo_clips.camera import FRAME_PX, Camera, Light, Wobble, similarity
from headstart.training.demo_clips.cutout import cut_out
from headstart.training.demo_clips.material import AUDIO_RATE_HZ, Material
from headstart.training.demo_clips.photographs import PHOTOGRAPHS
from headstart.training.demo_clips.scene import Thing, hold_up
from headstart.training.demo_clips.shots import Held
from headstart.training.demo_clips.sounds import Room, add, excerpt

GREY = np.full((*FRAME_PX, 3), 100, np.float32)


def red_square() -> Thing:
    pixels = np.zeros((40, 40, 3), np.float32)
    pixels[..., 0] = 255
    return Thing(pixels=pixels, mask=np.ones((40, 40, 1), np.float32))


def test_the_same_seed_films_the_same_picture_and_another_seed_does_not() -> None:
    first = Camera(3).develop(GREY, Light(), 1.0)
    assert np.array_equal(first, Camera(3).develop(GREY, Light(), 1.0))
    assert not np.array_equal(first, Camera(4).develop(GREY, Light(), 1.0))


def test_half_the_exposure_is_half_the_light() -> None:
    light, dark = (Camera(1).develop(GREY, Light(exposure=e), 0.0).mean() for e in (1.0, 0.5))
    assert dark / light == pytest.approx(0.5, abs=0.01)


def test_a_hand_never_moves_further_than_its_amplitudes() -> None:
    moves = [Wobble(5, 10, 2, 1).at(t) for t in np.linspace(0, 60, 600)]
    assert 3 < np.abs(moves).max() <= 13


def test_turning_keeps_the_frame_s_centre_where_it_is() -> None:
    centre = np.array([FRAME_PX[1] / 2, FRAME_PX[0] / 2, 1])
    assert similarity(0, 0, 1.3, 0.4) @ centre == pytest.approx(centre)
    assert similarity(5, -3, 1.3, 0.4) @ centre == pytest.approx(centre + [5, -3, 0])


def test_a_thing_covers_the_share_of_the_frame_that_is_asked() -> None:
    held = Held(photograph="-", size=0.5)
    seen = hold_up(GREY, red_square(), held, since_s=3, left_s=3, seed=1)
    share = float((seen[..., 0] > 200).mean())
    # A square of half the frame's height is 180 × 180 of 360 × 480 pixels; the hand comes closer
    # and goes away by a few per cent.
    assert share == pytest.approx(180 * 180 / (360 * 480), rel=0.2)


def test_a_thing_is_out_of_sight_before_it_comes() -> None:
    held = Held(photograph="-", size=0.5)
    seen = hold_up(GREY, red_square(), held, since_s=0, left_s=3, seed=1)
    assert float((seen[..., 0] > 200).mean()) == 0.0


def test_a_disc_is_cut_out_of_an_uneven_background() -> None:
    y, x = np.mgrid[0:120, 0:160]
    photograph = np.repeat((180 + 0.3 * x)[..., None], 3, axis=2).astype(np.uint8)
    disc = (y - 60) ** 2 + (x - 80) ** 2 < 35**2
    photograph[disc] = (200, 30, 30)
    found = cut_out(photograph) > 127
    overlap = (found & disc).sum() / (found | disc).sum()
    assert overlap > 0.95


def test_a_room_hums_at_the_level_that_is_asked() -> None:
    tone = Room(1, -54.0).tone(AUDIO_RATE_HZ)
    # The hum adds 0.2 dB to the noise.
    assert 10 * np.log10(np.mean(tone**2)) == pytest.approx(-54, abs=0.5)


def test_a_sound_is_heard_at_once_and_then_dies_away() -> None:
    click = np.zeros(100, np.float32)
    click[0] = 1.0
    heard = Room(1, -60.0).heard(click)
    assert heard[0] == pytest.approx(1.0, abs=1e-5)
    assert 0 < np.abs(heard[1:]).max() < 0.1
    assert np.abs(heard[-500:]).max() < 0.001


def test_an_excerpt_has_its_peak_and_faded_ends() -> None:
    part = excerpt(np.ones(AUDIO_RATE_HZ, np.float32), 0.2, 0.5, peak=0.3)
    assert part.size == AUDIO_RATE_HZ // 2
    assert part.max() == pytest.approx(0.3)
    assert part[0] == part[-1] == 0.0


def test_what_runs_over_the_end_of_a_track_is_dropped() -> None:
    track = np.zeros(AUDIO_RATE_HZ, np.float32)
    add(track, np.ones(AUDIO_RATE_HZ, np.float32), 0.75)
    assert track.sum() == AUDIO_RATE_HZ // 4


def test_an_unknown_clip_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no clip is called 'enrol-cat'; expected one of: enrol-"):
        build(Material(tmp_path), tmp_path / "out", only="enrol-cat")


def test_material_that_is_not_what_the_catalogue_says_is_refused(tmp_path: Path) -> None:
    item = PHOTOGRAPHS["cat"]
    path = tmp_path / item.package.name / item.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another picture")
    with pytest.raises(ArtifactError, match="has sha256 .* expected 596aa1e7cb87… of version"):
        Material(tmp_path).photograph("cat")
