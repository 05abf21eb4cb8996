from __future__ import annotations

import numpy as np
import pytest

from headstart.training.sources.camera import SIZE_PX, View, photograph

RED = np.zeros((40, 60, 4), np.uint8)
RED[10:30, 10:50] = (255, 0, 0, 255)
GREEN = np.full((100, 80, 3), (0, 200, 0), np.uint8)


def shot(seed: int, view: View = "good", picture: np.ndarray = RED) -> np.ndarray:
    return photograph(picture, GREEN, np.random.default_rng(seed), view)


def test_the_same_seed_takes_the_same_photo() -> None:
    assert np.array_equal(shot(3), shot(3))
    assert not np.array_equal(shot(3), shot(4))


@pytest.mark.parametrize("seed", range(5))
def test_the_thing_stands_before_the_background(seed: int) -> None:
    pixels = shot(seed).astype(int)
    assert pixels.shape == (SIZE_PX, SIZE_PX, 3)
    red = pixels[..., 0] > pixels[..., 1] + 60
    green = pixels[..., 1] > pixels[..., 0] + 60
    # The red part covers a third of the picture (20·40 of 40·60), scaled to 55-95 % of the frame.
    assert 0.04 < red.mean() < 0.4
    assert green.mean() > 0.4
    assert pixels[2:12, 2:12, 1].mean() > pixels[2:12, 2:12, 0].mean() + 60


def test_a_picture_without_transparency_covers_its_rectangle() -> None:
    pixels = shot(0, picture=np.full((50, 50, 3), (255, 0, 0), np.uint8)).astype(int)
    assert (pixels[..., 0] > pixels[..., 1] + 60).mean() > 0.25


def test_a_poor_view_loses_light_sharpness_or_contrast_or_gains_noise() -> None:
    def facts(view: View) -> np.ndarray:
        shots = [shot(seed, view).astype(float) for seed in range(12)]
        contrast = [s.std() for s in shots]
        return np.array(contrast)

    assert facts("poor").min() < 0.5 * facts("good").min()
