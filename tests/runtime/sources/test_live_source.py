"""Camera and microphone on one clock: what is there now, and neither left open by mistake."""

from __future__ import annotations

import time

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import AudioClip, Frame
from headstart.runtime.sources.camera import Camera
from headstart.runtime.sources.live_source import LiveSource


class Giver:
    """A device made of constants: a picture taken now, the last second of sound."""

    def __init__(self, name: str, *, fails: bool = False, empty: bool = False) -> None:
        self.name = name
        self.is_open = False
        self._fails = fails
        self._empty = empty

    def open(self) -> None:
        if self._fails:
            raise CaptureError(f"{self.name} is not there")
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def latest_frame(self, max_age_s: float) -> Frame | None:
        if self._empty:
            return None
        return Frame(pixels=np.zeros((16, 16, 3), np.uint8), time_s=time.monotonic())

    def latest_sound(self, window_s: float) -> AudioClip | None:
        if self._empty:
            return None
        size = round(window_s * 16_000)
        return AudioClip(samples=np.zeros(size, np.float32), start_s=time.monotonic() - window_s)


def test_picture_and_sound_share_the_clock_that_starts_at_zero() -> None:
    with LiveSource(Giver("camera 0"), Giver("microphone 1"), rate_hz=20, window_s=1.0) as source:
        samples = [sample for sample, _ in zip(source.samples(), range(4), strict=False)]
    assert source.name == "camera 0 + microphone 1"
    for index, sample in enumerate(samples, 1):
        assert sample.time_s is not None and sample.time_s >= index / 20
        assert sample.image is not None and sample.audio is not None
        assert sample.image.time_s == pytest.approx(sample.time_s, abs=0.5)
        assert sample.audio.start_s == pytest.approx(sample.time_s - 1.0, abs=0.5)


@pytest.mark.parametrize(
    ("camera", "mic", "modalities"),
    [
        (Giver("c"), None, ("image",)),
        (None, Giver("m"), ("audio",)),
        (Giver("c", empty=True), Giver("m"), ("audio",)),
    ],
    ids=["camera alone", "microphone alone", "camera has nothing new"],
)
def test_either_may_be_missing(
    camera: Giver | None, mic: Giver | None, modalities: tuple[str, ...]
) -> None:
    with LiveSource(camera, mic, rate_hz=50) as source:
        assert next(source.samples()).modalities == modalities


def test_moments_that_pass_while_the_reader_is_busy_are_dropped() -> None:
    with LiveSource(Giver("c"), rate_hz=50) as source:
        samples = source.samples()
        next(samples)
        time.sleep(0.21)  # ten periods
        late = next(samples)
    assert 9 <= source.dropped <= 60
    assert late.time_s is not None and late.time_s >= 0.2


def test_closing_ends_the_samples_and_both_devices() -> None:
    camera, mic = Giver("c"), Giver("m")
    source = LiveSource(camera, mic, rate_hz=50)
    with source:
        samples = source.samples()
        next(samples)
        source.close()
        assert list(samples) == []
    assert not camera.is_open and not mic.is_open


def test_if_one_device_fails_the_other_is_closed() -> None:
    camera = Giver("camera 0")
    source = LiveSource(camera, Giver("microphone 1", fails=True))
    with pytest.raises(CaptureError, match="microphone 1 is not there"):
        source.open()
    assert not camera.is_open


def test_no_device_is_refused() -> None:
    with pytest.raises(ConfigError, match="neither a camera nor a microphone was named"):
        LiveSource()


def test_a_real_camera_gives_samples_for_two_seconds(camera_url: str) -> None:
    with LiveSource(Camera(camera_url), rate_hz=5) as source:
        samples = [sample for sample, _ in zip(source.samples(), range(8), strict=False)]
    ages = [
        sample.time_s - sample.image.time_s
        for sample in samples
        if sample.image is not None
        and sample.time_s is not None
        and sample.image.time_s is not None
    ]
    assert len(ages) == 8
    assert max(ages) < 1.0
