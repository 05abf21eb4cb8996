"""A recording becomes decisions at its own times, with a bounded past and the sharpest picture."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sources.media_source import MediaSource

Make = Callable[..., Path]
Tone = Callable[..., NDArray[np.float64]]


class Clock:
    """Time that passes only when somebody sleeps or works."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def level(sample: Any) -> float:
    return float(sample.image.pixels.mean())


def test_decisions_come_at_the_rate_with_picture_and_sound(
    tmp_path: Path, make_video: Make, make_grey: Any
) -> None:
    ramp = np.arange(48_000) / 48_000
    path = make_video(
        tmp_path / "a.mkv", [make_grey(4 * i) for i in range(60)], ramp, sound_codec="flac"
    )
    with MediaSource(path, rate_hz=2.0, window_s=1.0) as source:
        samples = list(source.samples())
    assert [s.time_s for s in samples] == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    for sample in samples:
        time_s = sample.time_s or 0.0
        assert sample.audio is not None and sample.audio.start_s is not None
        assert sample.audio.start_s + sample.audio.duration_s == pytest.approx(time_s, abs=1e-3)
        assert sample.audio.duration_s == pytest.approx(min(1.0, time_s), abs=1e-3)
        # The ramp tells which sound it is; pictures at most FRESH_S old tell the same time.
        assert sample.audio.samples[-1] == pytest.approx(time_s / 3, abs=1e-3)
        assert time_s - 0.21 <= level(sample) / 4 / 20 <= time_s + 0.03
        assert sample.source == str(path)
    assert source.dropped == 0


def test_the_sharpest_of_the_newest_pictures_is_taken(
    tmp_path: Path, make_video: Make, make_grey: Any
) -> None:
    # At 1.0 s: picture 18 is sharp and 0.1 s old; 12 is sharp, too, but of long ago.
    pictures = [make_grey(2 * i, sharp=i in (12, 18)) for i in range(40)]
    path = make_video(tmp_path / "a.mkv", pictures, codec="ffv1", pix_fmt="yuv444p")
    first = next(iter(MediaSource(path, rate_hz=1.0).samples()))
    assert first.image is not None
    assert first.image.time_s == pytest.approx(18 / 20, abs=1e-3)


def test_pictures_alone_are_enough(tmp_path: Path, make_video: Make, make_grey: Any) -> None:
    path = make_video(tmp_path / "a.mp4", [make_grey(90)] * 20)
    assert {s.modalities for s in MediaSource(path).samples()} == {("image",)}


def test_a_sound_file_alone_is_enough(tmp_path: Path, make_wav: Make, make_tone: Tone) -> None:
    path = make_wav(tmp_path / "a.wav", make_tone(2.0, 44_100), 44_100)
    samples = list(MediaSource(path, rate_hz=2.0).samples())
    assert [(s.time_s, s.modalities) for s in samples] == [
        (0.5, ("audio",)), (1.0, ("audio",)), (1.5, ("audio",)), (2.0, ("audio",)),
    ]  # fmt: skip


def test_silence_is_a_sample_like_any(tmp_path: Path, make_wav: Make) -> None:
    path = make_wav(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    assert len(list(MediaSource(path, rate_hz=1.0).samples())) == 1


def test_a_recording_shorter_than_a_period_gives_one_sample(
    tmp_path: Path, make_wav: Make, make_tone: Tone
) -> None:
    path = make_wav(tmp_path / "a.wav", make_tone(0.3), 16_000)
    (sample,) = MediaSource(path, rate_hz=1.0).samples()
    assert sample.time_s == pytest.approx(0.3)


def test_a_track_that_ends_early_leaves_the_other(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone
) -> None:
    path = make_video(tmp_path / "a.mkv", [make_grey(90)] * 10, make_tone(6.0), sound_codec="flac")
    samples = {s.time_s: s.modalities for s in MediaSource(path, rate_hz=1.0).samples()}
    # A picture counts for two seconds.
    assert samples[2.0] == ("image", "audio")
    assert samples[5.0] == ("audio",)


def test_real_pace_waits_for_each_moment(tmp_path: Path, make_wav: Make, make_tone: Tone) -> None:
    clock = Clock()
    path = make_wav(tmp_path / "a.wav", make_tone(2.0), 16_000)
    source = MediaSource(path, rate_hz=2.0, pace="real", clock=clock, sleep=clock.sleep)
    times = [(s.time_s, clock.now_s - 1_000.0) for s in source.samples()]
    assert times == [(0.5, 0.5), (1.0, 1.0), (1.5, 1.5), (2.0, 2.0)]


def test_real_pace_drops_what_a_slow_reader_misses(
    tmp_path: Path, make_wav: Make, make_tone: Tone
) -> None:
    clock = Clock()
    path = make_wav(tmp_path / "a.wav", make_tone(4.0), 16_000)
    source = MediaSource(path, rate_hz=2.0, pace="real", clock=clock, sleep=clock.sleep)
    times = []
    for sample in source.samples():
        times.append(sample.time_s)
        clock.sleep(1.2)
    assert times == [0.5, 1.5, 2.5, 4.0]
    assert source.dropped == 4


def test_closing_ends_the_samples(tmp_path: Path, make_wav: Make, make_tone: Tone) -> None:
    source = MediaSource(make_wav(tmp_path / "a.wav", make_tone(4.0), 16_000), rate_hz=2.0)
    samples = source.samples()
    next(samples)
    source.close()
    source.close()
    assert list(samples) == []


def test_memory_does_not_grow_with_length(tmp_path: Path, make_wav: Make, make_tone: Tone) -> None:
    import tracemalloc

    path = make_wav(tmp_path / "a.wav", np.tile(make_tone(1.0), 120), 16_000)
    tracemalloc.start()
    for _ in MediaSource(path, rate_hz=1.0).samples():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Two minutes are 7.7 MB as float32; the buffer holds twelve seconds, 0.8 MB.
    assert peak < 3_000_000


def test_a_file_over_http_is_read_like_a_file(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone
) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

    path = make_video(tmp_path / "a.mkv", [make_grey(90)] * 20, make_tone(1.0), sound_codec="flac")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/a.mkv"
        local = [(s.time_s, s.modalities) for s in MediaSource(path).samples()]
        assert [(s.time_s, s.modalities) for s in MediaSource(url).samples()] == local
        with pytest.raises(CaptureError, match=r"404.*expected an address that answers"):
            list(MediaSource(url.replace("a.mkv", "b.mkv")).samples())
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, 1_000.0, float("nan")])
def test_senseless_rates_are_refused(rate_hz: float) -> None:
    with pytest.raises(ConfigError, match=r"decisions a second; expected 0\.01 to 100"):
        MediaSource("a.mp4", rate_hz=rate_hz)


@pytest.mark.parametrize("window_s", [0.0, 1_000.0])
def test_senseless_windows_are_refused(window_s: float) -> None:
    with pytest.raises(ConfigError, match=r"sound window is .* s; expected 0\.1 to 60"):
        MediaSource("a.mp4", window_s=window_s)
