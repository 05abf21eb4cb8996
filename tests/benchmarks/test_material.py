"""Made-up things: repeatable, and as large as a camera's."""

from __future__ import annotations

import numpy as np

from headstart.benchmarks.material import thing


def test_a_thing_is_a_vga_picture_and_a_second_and_a_half_of_sound() -> None:
    sample = thing(0, 0)

    assert sample.image is not None and sample.audio is not None
    assert sample.image.pixels.shape == (480, 640, 3)
    assert sample.audio.duration_s == 1.5


def test_the_same_numbers_give_the_same_sample() -> None:
    once, again, other = thing(1, 2), thing(1, 2), thing(1, 3)

    assert once.image is not None and again.image is not None and other.image is not None
    assert np.array_equal(once.image.pixels, again.image.pixels)
    assert not np.array_equal(once.image.pixels, other.image.pixels)
