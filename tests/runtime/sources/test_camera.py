"""A camera is read by one thread, the newest picture wins, and a dead camera says why.

The camera is a real MJPEG server on loopback: OpenCV opens it as it opens a network camera.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError
from headstart.runtime.sources.camera import Camera, CameraInfo, list_cameras


def test_pictures_come_newest_first_in_rgb_with_growing_times(camera_url: str) -> None:
    with Camera(camera_url) as camera:
        frames = [camera.read() for _ in range(5)]
    times = [frame.time_s or 0.0 for frame in frames]
    assert times == sorted(set(times))
    assert all(abs(time.monotonic() - t) < 10 for t in times)
    # The server paints blue-green-red (0, 0, 200): red here.
    np.testing.assert_allclose(frames[0].pixels[24, 60], (200, 0, 0), atol=12)


def test_the_latest_picture_is_fresh_after_a_pause(camera_url: str) -> None:
    with Camera(camera_url) as camera:
        time.sleep(0.3)
        frame = camera.latest_frame(max_age_s=1.0)
    assert frame is not None and frame.time_s is not None


def test_a_camera_that_stops_says_so_at_the_next_read(camera_url: str) -> None:
    with Camera(camera_url.replace("/camera", "/short")) as camera:
        with pytest.raises(CaptureError, match="camera http.* stopped: it gives no more pictures"):
            for _ in range(100):
                camera.read(timeout_s=5.0)
        with pytest.raises(CaptureError, match="stopped: it gives no more pictures"):
            camera.latest_frame()


def test_closing_twice_is_safe_and_ends_the_thread(camera_url: str) -> None:
    camera = Camera(camera_url)
    camera.open()
    camera.open()
    assert camera.name in {thread.name for thread in threading.enumerate()}
    camera.close()
    camera.close()
    assert camera.name not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(CaptureError, match="is not open; expected open"):
        camera.read()


def test_a_camera_can_be_opened_again(camera_url: str) -> None:
    camera = Camera(camera_url)
    for _ in range(2):
        with camera:
            assert camera.read().pixels.shape == (48, 64, 3)


def test_making_a_camera_touches_nothing() -> None:
    assert Camera("99").name == "camera 99"


@pytest.mark.parametrize("camera", [99, "99", "/dev/video99"])
def test_a_missing_camera_is_refused_with_what_there_is(camera: int | str) -> None:
    with pytest.raises(CaptureError, match=r"camera .*99 is not there; expected (one of|a camera)"):
        Camera(camera).open()


def test_an_address_without_a_camera_is_refused() -> None:
    with pytest.raises(CaptureError, match=r"127\.0\.0\.1:9/ does not open; expected a stream"):
        Camera("http://127.0.0.1:9/").open()


def test_cameras_are_listed_by_number_with_their_names(tmp_path: Path) -> None:
    for index, name in ((10, "USB camera\n"), (2, "CSI\n")):
        (tmp_path / f"video{index}").mkdir()
        (tmp_path / f"video{index}" / "name").write_text(name)
    (tmp_path / "v4l-subdev0").mkdir()
    assert list_cameras(tmp_path) == [
        CameraInfo(index=2, name="CSI"),
        CameraInfo(index=10, name="USB camera"),
    ]


def test_a_machine_without_cameras_lists_none(tmp_path: Path) -> None:
    assert list_cameras(tmp_path / "nowhere") == []
