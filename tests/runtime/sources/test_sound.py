"""Sound of every depth, layout and rate becomes mono 16 kHz; what is not whole is refused."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import AudioClip
from headstart.runtime.sources.quality import is_silent
from headstart.runtime.sources.sound import (
    cut,
    loudest_start,
    read_audio,
    refuse_silence,
)

Make = Callable[..., Path]
Tone = Callable[..., NDArray[np.float64]]


def clip(samples: NDArray[Any], start_s: float | None = None) -> AudioClip:
    return AudioClip(samples=samples.astype(np.float32), start_s=start_s)


def wave_bytes(payload: bytes, *, promised: int | None = None, kind: int = 1) -> bytes:
    """Write a mono 16 kHz WAV header by hand: 16-bit PCM (kind 1) or 32-bit float (kind 3)."""
    width = 2 if kind == 1 else 4
    size = len(payload) if promised is None else promised
    form = struct.pack("<HHIIHH", kind, 1, 16_000, 16_000 * width, width, 8 * width)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", min(len(head) + size, 0xFFFFFFFF)) + head + payload


@pytest.mark.parametrize("width", [1, 2, 3, 4], ids=lambda width: f"{8 * width} bits")
def test_every_depth_keeps_its_samples(
    tmp_path: Path, make_wav: Make, make_tone: Tone, width: int
) -> None:
    tone = make_tone(0.5)
    read = read_audio(make_wav(tmp_path / "a.wav", tone, 16_000, width))
    assert read.samples.dtype == np.float32
    assert read.start_s is None
    np.testing.assert_allclose(read.samples, tone, atol=2.0 ** -(8 * width - 1) + 1e-7)


@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le", "pcm_s16be", "pcm_alaw"])
def test_other_sample_formats_are_read(
    tmp_path: Path, make_sound: Make, make_tone: Tone, codec: str
) -> None:
    name = "a.aiff" if codec == "pcm_s16be" else "a.wav"
    read = read_audio(make_sound(tmp_path / name, make_tone(0.5), 16_000, codec))
    np.testing.assert_allclose(read.samples, make_tone(0.5), atol=0.02)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_every_rate_keeps_length_pitch_and_level(
    tmp_path: Path, make_wav: Make, make_tone: Tone, rate_hz: int
) -> None:
    path = make_wav(tmp_path / "a.wav", make_tone(1.0, rate_hz), rate_hz, 3)
    samples = read_audio(path).samples
    assert samples.size == 16_000
    # Away from the filter's ends the resampled tone is the tone: no delay, no gain.
    np.testing.assert_allclose(samples[500:-500], make_tone(1.0)[500:-500], atol=2e-3)


def test_what_16_khz_cannot_hold_does_not_fold_back(
    tmp_path: Path, make_wav: Make, make_tone: Tone
) -> None:
    path = make_wav(tmp_path / "a.wav", make_tone(1.0, 192_000, hz=30_000.0), 192_000, 3)
    assert np.abs(read_audio(path).samples[500:-500]).max() < 1e-3


@pytest.mark.parametrize("channels", [2, 3, 6], ids=["stereo", "three", "5.1"])
def test_mono_is_the_mean_of_all_channels(
    tmp_path: Path, make_wav: Make, make_tone: Tone, channels: int
) -> None:
    tones = np.stack([make_tone(0.3, hz=200.0 * (i + 1)) for i in range(channels)], axis=1)
    read = read_audio(make_wav(tmp_path / "a.wav", tones, 16_000, 3))
    np.testing.assert_allclose(read.samples, tones.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.flac", "flac"), ("a.ogg", "libopus"), ("a.mp3", "libmp3lame"), ("a.m4a", "aac")],
    ids=["flac", "ogg", "mp3", "m4a"],
)
def test_compressed_formats_are_read(
    tmp_path: Path, make_sound: Make, make_tone: Tone, name: str, codec: str
) -> None:
    path = make_sound(tmp_path / name, make_tone(1.0, 48_000), 48_000, codec)
    samples = read_audio(path).samples
    assert 16_000 <= samples.size < 17_700
    middle = samples[4_000:12_000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) == 220  # 440 Hz in half a second
    # LAME scales by 0.95 before it encodes.
    np.testing.assert_allclose(np.sqrt(np.mean(middle**2)), 0.5 / np.sqrt(2), rtol=0.06)


def test_the_sound_of_a_video_is_read(
    tmp_path: Path, make_video: Make, make_grey: Any, make_tone: Tone
) -> None:
    path = make_video(tmp_path / "a.mkv", [make_grey(50)] * 10, make_tone(0.5), sound_codec="flac")
    assert read_audio(path).samples.size == 8_000


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_wav_cut_off_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    whole = wave_bytes(np.arange(4_000, dtype="<i2").tobytes())
    path = tmp_path_factory.getbasetemp() / "cut.wav"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CaptureError, match="cut off|empty|cannot be read as sound"):
        read_audio(path)


def test_a_cut_off_wav_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(wave_bytes(bytes(1_000), promised=32_000))
    with pytest.raises(
        CaptureError,
        match=r"promises 32044 bytes and 1044 are there; expected a whole recording: copy or",
    ):
        read_audio(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_off_flac_is_refused(tmp_path: Path, make_sound: Make, share: float) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 32_000)
    whole = make_sound(tmp_path / "a.flac", noise, 16_000, "flac").read_bytes()
    path = tmp_path / "cut.flac"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CaptureError, match="cut off|cannot be read as sound"):
        read_audio(path)


@pytest.mark.parametrize("promised", [0, 0xFFFFFFFF])
def test_a_wav_recorded_into_a_pipe_is_read_to_its_end(tmp_path: Path, promised: int) -> None:
    path = tmp_path / "pipe.wav"
    path.write_bytes(wave_bytes(np.full(8_000, 1000, "<i2").tobytes(), promised=promised))
    # A size of zero is what such programs leave behind; FFmpeg then reads to the end.
    assert read_audio(path).samples.size == 8_000


def test_a_sound_of_zero_length_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
    path = tmp_path / "nothing.wav"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(CaptureError, match=r"holds less than 0\.05 s of sound"):
        read_audio(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    with pytest.raises(CaptureError, match=r"empty\.wav is empty \(0 bytes\)"):
        read_audio(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(tmp_path: Path, bad: float) -> None:
    samples = np.zeros(8_000, "<f4")
    samples[4_000] = bad
    path = tmp_path / "nan.wav"
    path.write_bytes(wave_bytes(samples.tobytes(), kind=3))
    with pytest.raises(CaptureError, match=r"nan\.wav: the sound holds NaN or infinite values"):
        read_audio(path)


def test_badly_scaled_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    path.write_bytes(wave_bytes(np.full(8_000, 12_000, "<f4").tobytes(), kind=3))
    with pytest.raises(CaptureError, match=r"values up to 1\.2e\+04; expected numbers in −1…1"):
        read_audio(path)


def test_slight_overshoot_is_clipped(tmp_path: Path) -> None:
    path = tmp_path / "over.wav"
    path.write_bytes(wave_bytes(np.full(8_000, 1.5, "<f4").tobytes(), kind=3))
    assert (read_audio(path).samples == 1.0).all()


def test_text_named_wav_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("buy milk")
    with pytest.raises(CaptureError, match=r"notes\.wav cannot be read as sound or video"):
        read_audio(path)


def test_a_video_without_sound_is_refused(tmp_path: Path, make_video: Make, make_grey: Any) -> None:
    path = make_video(tmp_path / "mute.mp4", [make_grey(50)] * 5)
    with pytest.raises(CaptureError, match=r"mute\.mp4 holds no sound; expected a sound track"):
        read_audio(path)


def test_a_sound_too_long_for_memory_is_refused(
    tmp_path: Path, make_wav: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.runtime.sources.sound.MAX_SOUND_S", 1.0)
    path = make_wav(tmp_path / "long.wav", np.zeros(16_001), 16_000)
    with pytest.raises(CaptureError, match="more than 1 s of sound; expected a short recording"):
        read_audio(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"nowhere\.wav does not exist"):
        read_audio(tmp_path / "nowhere.wav")


def test_a_name_that_looks_like_an_address_stays_a_file(
    tmp_path: Path, make_wav: Make, make_tone: Tone, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wav(tmp_path / "concat:a.wav", make_tone(0.2), 16_000)
    monkeypatch.chdir(tmp_path)
    assert read_audio("concat:a.wav").samples.size == 3_200


@pytest.mark.parametrize("level", [0.0, 0.25], ids=["zeros", "offset"])
def test_nothing_to_hear_is_silent(level: float) -> None:
    assert is_silent(clip(np.full(16_000, level)))


def test_silence_is_read_and_refused_only_where_a_class_is_learnt(
    tmp_path: Path, make_wav: Make
) -> None:
    silence = read_audio(make_wav(tmp_path / "a.wav", np.zeros(16_000), 16_000))
    with pytest.raises(CaptureError, match="mug is silent from start to end.*microphone"):
        refuse_silence(silence, "mug")


def test_a_short_quiet_sound_in_long_silence_is_heard(make_tone: Tone) -> None:
    samples = np.zeros(160_000)
    samples[70_000:71_600] = make_tone(0.1) * 0.002  # −60 dBFS
    heard = clip(samples)
    assert not is_silent(heard)
    refuse_silence(heard, "pin drop")


def test_the_loudest_stretch_is_found_to_ten_milliseconds(make_tone: Tone) -> None:
    samples = make_tone(5.0) * 0.01
    samples[36_000:52_000] = make_tone(1.0)  # from 2.25 s on
    assert loudest_start(clip(samples), 1.0) == pytest.approx(2.25, abs=0.011)


def test_of_equally_loud_stretches_the_first_counts() -> None:
    assert loudest_start(clip(np.full(48_000, 0.5)), 1.0) == 0.0


def test_a_clip_shorter_than_the_stretch_starts_at_zero() -> None:
    assert loudest_start(clip(np.ones(4_000)), 1.0) == 0.0


@pytest.mark.parametrize(
    ("start_s", "first"), [(10.5, 8_000), (9.0, 0), (12.0, 16_000)], ids=["in", "before", "after"]
)
def test_a_cut_moves_to_stay_inside(start_s: float, first: int) -> None:
    whole = clip(np.arange(32_000) / 32_000, start_s=10.0)
    part = cut(whole, start_s, 1.0)
    assert part is not None
    np.testing.assert_array_equal(part.samples, whole.samples[first : first + 16_000])
    assert part.start_s == 10.0 + first / 16_000


def test_a_cut_of_almost_nothing_is_none() -> None:
    assert cut(clip(np.ones(700)), 0.0, 1.0) is None


def test_a_title_that_is_no_utf_8_does_not_keep_a_file_from_being_read(tmp_path: Path) -> None:
    samples = (8_000 * np.sin(np.arange(16_000) / 5)).astype("<i2").tobytes()
    title = b"LIST" + (16).to_bytes(4, "little") + b"INFOINAM" + (4).to_bytes(4, "little")
    title += "Êtë!".encode("latin-1")
    form = b"fmt " + (16).to_bytes(4, "little") + bytes([1, 0, 1, 0])
    form += (16_000).to_bytes(4, "little") + (32_000).to_bytes(4, "little") + bytes([2, 0, 16, 0])
    body = b"WAVE" + form + title + b"data" + len(samples).to_bytes(4, "little") + samples
    path = tmp_path / "old.wav"
    path.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)

    assert read_audio(path).duration_s == 1.0
