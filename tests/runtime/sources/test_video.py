"""Pictures and sound come in time order with real times; samples are taken where it matters."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.sample import AudioClip, Frame
from headstart.runtime.sources import decode
from headstart.runtime.sources.video import iterate_av, sample_from_video

Make = Callable[..., Path]
Tone = Callable[..., NDArray[np.float64]]


def times(items: list[Frame | AudioClip]) -> list[float]:
    return [i.time_s or 0.0 if isinstance(i, Frame) else i.start_s or 0.0 for i in items]


def frames(items: list[Frame | AudioClip]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def joined(items: list[Frame | AudioClip]) -> NDArray[np.float32]:
    return np.concatenate([item.samples for item in items if isinstance(item, AudioClip)])


@pytest.mark.parametrize(
    ("name", "codec", "sound_codec"),
    [
        ("a.mp4", "mpeg4", "aac"),
        ("a.mkv", "mpeg4", "flac"),
        ("a.avi", "mpeg4", "pcm_s16le"),
        ("a.ts", "mpeg2video", "mp2"),
        ("a.mov", "mjpeg", "pcm_s16le"),
    ],
)
def test_pictures_and_sound_come_in_time_order(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone,
    name: str, codec: str, sound_codec: str,
) -> None:  # fmt: skip
    path = make_video(
        tmp_path / name,
        [make_grey(5 * i) for i in range(40)],
        make_tone(2.0),
        codec=codec,
        sound_codec=sound_codec,
        pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p",
    )
    items = list(iterate_av(path))
    assert times(items) == sorted(times(items))
    pictures = frames(items)
    assert len(pictures) == 40
    np.testing.assert_allclose(np.diff([p.time_s or 0.0 for p in pictures]), 0.05, atol=1e-3)
    np.testing.assert_allclose([p.pixels.mean() for p in pictures], np.arange(40) * 5, atol=3)
    assert joined(items).size == pytest.approx(32_000, abs=2_400)


def test_picture_and_sound_keep_their_common_clock(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone
) -> None:
    sound = np.zeros(32_000)
    sound[16_000:] = make_tone(1.0)
    pictures = [make_grey(0)] * 20 + [make_grey(255)] * 20
    path = make_video(tmp_path / "clap.mkv", pictures, sound, sound_codec="flac")
    items = list(iterate_av(path))
    light_s = next(f.time_s for f in frames(items) if f.pixels.mean() > 128)
    heard = int(np.argmax(np.abs(joined(items)) > 0.05)) / 16_000
    assert light_s == pytest.approx(1.0, abs=1e-3)
    assert heard == pytest.approx(1.0, abs=5e-3)


def test_sound_stored_far_from_its_pictures_does_not_fill_the_memory(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # AVI chunks in the order written: 4 s of pictures first, then all the sound.
    monkeypatch.setattr(decode, "HOLD_S", 0.5)
    path = make_video(
        tmp_path / "a.avi", [make_grey(50)] * 80, make_tone(4.0), sound_codec="pcm_s16le"
    )
    items = list(iterate_av(path))
    assert len(frames(items)) == 80
    assert joined(items).size == 64_000


def test_a_video_without_sound_gives_pictures_only(
    tmp_path: Path, make_video: Make, make_grey: Any
) -> None:
    items = list(iterate_av(make_video(tmp_path / "a.mp4", [make_grey(90)] * 10)))
    assert [type(item) for item in items] == [Frame] * 10


def test_sound_without_a_picture_gives_sound_only(
    tmp_path: Path, make_video: Make, make_tone: Tone
) -> None:
    items = list(iterate_av(make_video(tmp_path / "a.mp4", [], make_tone(1.0))))
    assert frames(items) == []
    assert joined(items).size == pytest.approx(16_000, abs=2_100)


@pytest.mark.parametrize(("image", "audio"), [(True, False), (False, True)])
def test_one_track_can_be_left_out(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone, image: bool, audio: bool
) -> None:
    path = make_video(tmp_path / "a.mp4", [make_grey(90)] * 10, make_tone(0.5))
    kinds = {type(item) for item in iterate_av(path, image=image, audio=audio)}
    assert kinds == ({Frame} if image else {AudioClip})


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [
        ("ffv1", "gray"),
        ("ffv1", "yuv444p10le"),
        ("ffv1", "bgra"),
        ("ffv1", "yuv410p"),
        ("ffv1", "gbrp16le"),
        ("rawvideo", "uyvy422"),
        ("rawvideo", "rgb565le"),
        ("mjpeg", "yuvj444p"),
    ],
)
def test_every_pixel_format_becomes_rgb(
    tmp_path: Path, make_video: Make, make_grey: Any, codec: str, pix_fmt: str
) -> None:
    name = "a.mkv" if codec == "ffv1" else "a.mov"
    path = make_video(tmp_path / name, [make_grey(150)] * 3, codec=codec, pix_fmt=pix_fmt)
    frame = frames(list(iterate_av(path)))[0]
    assert frame.pixels.shape == (48, 64, 3)
    np.testing.assert_allclose(frame.pixels, 150, atol=6)


def test_odd_sizes_are_read(tmp_path: Path, make_video: Make) -> None:
    picture = np.full((33, 47, 3), 120, np.uint8)
    path = make_video(tmp_path / "a.mkv", [picture] * 3, codec="ffv1", pix_fmt="yuv444p")
    assert next(iter(frames(list(iterate_av(path))))).pixels.shape == (33, 47, 3)


QUARTERS = {
    # What a phone writes when it is turned, as 16.16 matrices (ISO/IEC 14496-12, 8.3.2): the
    # picture must be turned clockwise by that much to stand upright.
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}


@pytest.mark.parametrize("clockwise", QUARTERS)
def test_a_turned_phone_gives_upright_pictures(
    tmp_path: Path, make_video: Make, clockwise: int
) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24] = 250  # bright above
    data = bytearray(make_video(tmp_path / "a.mp4", [picture] * 3).read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in QUARTERS[clockwise])
    data[matrix : matrix + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path = tmp_path / "turned.mp4"
    path.write_bytes(data)
    pixels = frames(list(iterate_av(path)))[0].pixels
    np.testing.assert_allclose(pixels, np.rot90(picture, -clockwise // 90), atol=40)


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}], ids=["plain", "faststart"])
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_an_mp4_cut_off_anywhere_is_refused(
    tmp_path: Path, make_video: Make, make_grey: Any, options: dict[str, str], share: float
) -> None:
    whole = tmp_path / "whole.mp4"
    if not whole.exists():
        make_video(whole, [make_grey(i * 9, sharp=True) for i in range(20)], options=options)
    data = whole.read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CaptureError, match=r"cut\.mp4 (is cut off|is empty|cannot be read)"):
        list(iterate_av(path))


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_other_recordings_cut_in_half_are_refused(
    tmp_path: Path, make_video: Make, make_grey: Any, name: str
) -> None:
    path = make_video(tmp_path / name, [make_grey(i * 9, sharp=True) for i in range(20)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(CaptureError, match="is cut off.*copy or record it again"):
        list(iterate_av(path))


def test_a_damaged_body_is_refused(tmp_path: Path, make_video: Make, make_grey: Any) -> None:
    path = make_video(
        tmp_path / "a.mov", [make_grey(i * 9, sharp=True) for i in range(20)],
        codec="mjpeg", pix_fmt="yuvj420p",
    )  # fmt: skip
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    path.write_bytes(data)
    with pytest.raises(CaptureError, match=r"a\.mov cannot be read as sound or video"):
        list(iterate_av(path))


@pytest.mark.parametrize("name", ["notes.mp4", "notes.mkv", "notes.ogg"])
def test_text_named_like_media_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("buy milk")
    with pytest.raises(CaptureError, match=rf"{name} cannot be read as sound or video"):
        list(iterate_av(path))


def test_subtitles_alone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    with pytest.raises(CaptureError, match="holds neither picture nor sound"):
        list(iterate_av(path))


def test_a_tiny_video_is_refused(tmp_path: Path, make_video: Make) -> None:
    path = make_video(tmp_path / "a.mkv", [np.zeros((8, 8, 3), np.uint8)] * 3, codec="ffv1")
    with pytest.raises(CaptureError, match="is 8×8 px; expected at least 16 px"):
        list(iterate_av(path))


def test_an_address_where_nobody_answers_is_refused() -> None:
    with pytest.raises(CaptureError, match="Connection refused.*expected an address that answers"):
        list(iterate_av("http://127.0.0.1:9/a.mp4"))


def test_one_shot_is_the_sharpest_picture_of_the_loudest_second(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone
) -> None:
    sound = make_tone(4.0) * 0.01
    sound[32_000:48_000] = make_tone(1.0)  # loud from 2 s to 3 s
    # Sharp pictures: at 0.5 s (too early) and 2.6 s.
    pictures = [make_grey(100, sharp=i in (10, 52)) for i in range(80)]
    path = make_video(tmp_path / "a.mkv", pictures, sound, codec="ffv1", sound_codec="flac",
                      pix_fmt="yuv444p")  # fmt: skip
    (sample,) = sample_from_video(path)
    assert sample.time_s == pytest.approx(2.6, abs=1e-3)
    assert sample.image is not None
    np.testing.assert_allclose(sample.image.pixels, pictures[52], atol=3)
    assert sample.audio is not None
    assert sample.audio.start_s == pytest.approx(1.75, abs=0.011)
    assert sample.audio.duration_s == 1.5
    assert sample.group == sample.source == str(path)


def test_one_shot_without_sound_is_the_sharpest_picture_of_all(
    tmp_path: Path, make_video: Make, make_grey: Any
) -> None:
    path = make_video(tmp_path / "a.mp4", [make_grey(100, sharp=i == 33) for i in range(40)])
    (sample,) = sample_from_video(path)
    assert sample.time_s == pytest.approx(33 / 20, abs=1e-3)
    assert sample.audio is None


def test_a_silent_sound_track_counts_as_none(
    tmp_path: Path, make_video: Make, make_grey: Any
) -> None:
    path = make_video(tmp_path / "a.mp4", [make_grey(90)] * 20, np.zeros(16_000))
    (sample,) = sample_from_video(path)
    assert sample.modalities == ("image",)


def test_several_shots_are_spread_over_the_recording(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone
) -> None:
    sharp = (3, 37, 75)
    pictures = [make_grey(100, sharp=i in sharp) for i in range(80)]
    path = make_video(tmp_path / "a.mkv", pictures, make_tone(4.0), sound_codec="flac")
    samples = sample_from_video(path, shots=3)
    assert [s.time_s for s in samples] == pytest.approx([i / 20 for i in sharp], abs=1e-3)
    starts = [s.audio.start_s for s in samples if s.audio is not None]
    # Around the picture, moved to stay inside the recording.
    assert starts == pytest.approx([0.0, 37 / 20 - 0.75, 2.5], abs=0.01)
    assert {s.group for s in samples} == {str(path)}


def test_the_same_file_gives_the_same_moments(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone
) -> None:
    path = make_video(tmp_path / "a.mp4", [make_grey(100)] * 60, make_tone(3.0))
    first, second = (sample_from_video(path, shots=4) for _ in range(2))
    assert [s.time_s for s in first] == [s.time_s for s in second]
    for one, other in zip(first, second, strict=True):
        assert one.image is not None and other.image is not None
        np.testing.assert_array_equal(one.image.pixels, other.image.pixels)


def test_sound_alone_is_cut_where_each_slice_is_loudest(
    tmp_path: Path, make_video: Make, make_tone: Tone
) -> None:
    sound = np.zeros(6 * 16_000)
    sound[24_000:32_000] = make_tone(0.5)  # 1.5–2 s
    sound[72_000:80_000] = make_tone(0.5)  # 4.5–5 s
    path = make_video(tmp_path / "a.mkv", [], sound, sound_codec="flac")
    samples = sample_from_video(path, shots=2)
    assert [s.modalities for s in samples] == [("audio",), ("audio",)]
    for sample, (start_s, end_s) in zip(samples, [(1.5, 2.0), (4.5, 5.0)], strict=True):
        clip = sample.audio
        assert clip is not None and clip.start_s is not None
        assert clip.start_s <= start_s and end_s <= clip.start_s + clip.duration_s


def test_silent_slices_of_sound_are_left_out(
    tmp_path: Path, make_video: Make, make_tone: Tone
) -> None:
    sound = np.zeros(6 * 16_000)
    sound[:16_000] = make_tone(1.0)
    path = make_video(tmp_path / "a.mkv", [], sound, sound_codec="flac")
    assert len(sample_from_video(path, shots=3)) == 1


def test_silence_without_a_picture_is_refused(tmp_path: Path, make_video: Make) -> None:
    path = make_video(tmp_path / "a.mkv", [], np.zeros(32_000), sound_codec="flac")
    with pytest.raises(CaptureError, match="shows nothing and is silent from start to end"):
        sample_from_video(path)


def test_more_shots_than_pictures_are_refused(
    tmp_path: Path, make_video: Make, make_grey: Any
) -> None:
    path = make_video(tmp_path / "a.mp4", [make_grey(90)] * 3)
    with pytest.raises(CaptureError, match="holds 3 pictures, too few .* for 8 moments: ask for"):
        sample_from_video(path, shots=8)


def test_no_shots_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 shots were asked of .*; expected at least 1"):
        sample_from_video(tmp_path / "a.mp4", shots=0)
