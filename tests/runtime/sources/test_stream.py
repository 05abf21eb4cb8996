"""What a person names leads to the right source; what cannot be a source is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sources.live_source import LiveSource
from headstart.runtime.sources.media_source import MediaSource
from headstart.runtime.sources.still_source import StillSource
from headstart.runtime.sources.stream import open_source

Make = Callable[..., Path]


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((32, 32, 3), 100, np.uint8))
    return path


@pytest.mark.parametrize("uri", [0, "0", "/dev/video3", Path("/dev/video3")])
def test_a_camera_is_a_live_source(uri: int | str | Path) -> None:
    source = open_source(uri)
    assert isinstance(source, LiveSource)
    assert source.name.startswith("camera ")


def test_a_camera_and_a_microphone_are_one_source() -> None:
    assert open_source(0, mic="default").name == "camera 0 + microphone default"


def test_a_microphone_alone_is_a_source() -> None:
    assert open_source(None, mic=2).name == "microphone 2"


def test_an_rtsp_address_is_live_with_its_own_sound() -> None:
    source = open_source("rtsp://camera.example/stream")
    assert isinstance(source, LiveSource)
    assert source.name == "rtsp://camera.example/stream"


def test_an_mjpeg_address_is_live_and_gives_samples(camera_url: str) -> None:
    with open_source(camera_url, rate_hz=20) as source:
        assert isinstance(source, LiveSource)
        assert next(iter(source.samples())).modalities == ("image",)


def test_a_video_file_is_read_along_its_time(
    tmp_path: Path, make_video: Make, make_grey: Any
) -> None:
    path = make_video(tmp_path / "a.mp4", [make_grey(90)] * 20)
    with open_source(path, rate_hz=4) as source:
        assert isinstance(source, MediaSource)
        assert [s.time_s for s in source.samples()] == [0.25, 0.5, 0.75]


def test_a_picture_is_one_sample_without_a_time(tmp_path: Path) -> None:
    with open_source(picture(tmp_path / "a.png")) as source:
        assert isinstance(source, StillSource)
        assert [(s.time_s, s.modalities) for s in source.samples()] == [(None, ("image",))]


def test_a_folder_gives_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        picture(tmp_path / name)
    with open_source(str(tmp_path)) as source:
        assert [Path(s.source).name for s in source.samples()] == ["a.png", "b.png"]


def test_a_folder_of_class_folders_gives_them_all(tmp_path: Path) -> None:
    for name in ("mug/1.png", "bell/1.png"):
        picture(tmp_path / name)
    with open_source(tmp_path) as source:
        assert [Path(s.source).parent.name for s in source.samples()] == ["bell", "mug"]


def test_a_list_of_files_is_read_in_its_order(tmp_path: Path) -> None:
    files = [picture(tmp_path / name) for name in ("b.png", "a.png")]
    with open_source(files) as source:
        assert [s.source for s in source.samples()] == [str(file) for file in files]


def test_one_corrupt_file_of_a_folder_is_told_and_the_rest_go_on(tmp_path: Path) -> None:
    picture(tmp_path / "b.png")
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with open_source(tmp_path) as source:
        assert [Path(s.source).name for s in source.samples()] == ["b.png"]
        ((path, error),) = source.failures
    assert path.endswith("a.png")
    assert "holds no picture that we know" in str(error)


def test_a_folder_of_nothing_but_corrupt_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with open_source(tmp_path) as source, pytest.raises(CaptureError, match="holds no picture"):
        list(source.samples())


def test_a_closed_folder_gives_no_more(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    source = open_source(tmp_path)
    samples = source.samples()
    next(samples)
    source.close()
    assert list(samples) == []


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="holds no class folder with media"):
        open_source(tmp_path)


@pytest.mark.parametrize("name", ["nowhere.mp4", "nowhere.png", "nowhere"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CaptureError, match=f"{name} does not exist; expected"):
        open_source(tmp_path / name)


def test_a_microphone_beside_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a microphone was named beside .*, which is a recording"):
        open_source(picture(tmp_path / "a.png"), mic="default")


def test_nothing_named_is_refused() -> None:
    with pytest.raises(ConfigError, match="no source was named; expected a file, a folder"):
        open_source(None)
