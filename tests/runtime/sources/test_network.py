"""A live stream is read by one thread: the newest wins, and its end is told."""

from __future__ import annotations

import time

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError
from headstart.runtime.sources.network import NetworkCamera


def test_the_newest_picture_can_be_had_at_any_time(camera_url: str) -> None:
    with NetworkCamera(camera_url) as camera:
        time.sleep(0.2)
        frame = camera.latest_frame()
        assert camera.latest_sound(1.0) is None
    assert frame is not None and frame.time_s is not None
    assert abs(time.monotonic() - frame.time_s) < 5
    np.testing.assert_allclose(frame.pixels[24, 60], (200, 0, 0), atol=12)


def test_the_end_of_a_stream_is_told(camera_url: str) -> None:
    with NetworkCamera(camera_url.replace("/camera", "/short")) as camera:
        deadline_s = time.monotonic() + 20
        with pytest.raises(CaptureError, match="http.*short stopped: .*check"):
            while time.monotonic() < deadline_s:
                camera.latest_frame()
                time.sleep(0.02)
        with pytest.raises(CaptureError, match="http.*short stopped: .*check"):
            camera.latest_sound(1.0)


def test_an_address_where_nobody_answers_is_refused_at_once() -> None:
    with pytest.raises(CaptureError, match="Connection refused"):
        NetworkCamera("http://127.0.0.1:9/").open()


def test_closing_twice_is_safe(camera_url: str) -> None:
    camera = NetworkCamera(camera_url)
    camera.open()
    camera.close()
    camera.close()
    with pytest.raises(CaptureError, match="is not open"):
        camera.latest_frame()
