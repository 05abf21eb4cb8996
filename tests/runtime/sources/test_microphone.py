"""A microphone through PortAudio, for real: a PulseAudio server of our own with a null sink."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError, MissingDependency
from headstart.runtime.sources import microphone
from headstart.runtime.sources.microphone import Microphone, MicrophoneInfo, list_microphones

PACKAGES = "libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins"
LEAD_S = 0.6


def words(seconds: float) -> NDArray[np.float64]:
    """Soft noise whose loudness changes: no stretch of it looks like another."""
    rng = np.random.default_rng(7)
    size = round(seconds * 16_000)
    # The sound server's own resampler cuts off the highest tones: have none.
    soft = np.convolve(rng.uniform(-1, 1, size), np.hanning(16) / 8, mode="same")
    return np.asarray(0.5 * soft * np.sin(np.arange(size) / 1_500) ** 2)


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start a sound server whose only microphone hears what is played into ``kiosk_mic``."""
    if not shutil.which("pulseaudio") or not shutil.which("paplay"):
        pytest.skip(f"no sound server here; run: sudo apt-get install -y {PACKAGES}")
    home = tmp_path_factory.mktemp("pulse")
    (home / ".asoundrc").write_text(
        'pcm.!default { type pulse hint { show on description "pulse" } }\n'
    )
    env = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    env.pop("PULSE_SERVER", None)
    command = [
        "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
        "--disable-shm=yes", "-L", "module-native-protocol-unix", "-L",
        "module-null-sink sink_name=kiosk_mic rate=16000 channels=1 format=s16le",
    ]  # fmt: skip
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        deadline_s = time.monotonic() + 10
        while subprocess.run(["pactl", "info"], env=env, capture_output=True).returncode:
            if server.poll() is not None or time.monotonic() > deadline_s:
                pytest.fail(f"pulseaudio does not start: {(home / 'log').read_text()}")
            time.sleep(0.05)
        yield env
    finally:
        server.terminate()
        server.wait(10)


HEAR = """
import sys
import numpy as np
from headstart.runtime.sources.microphone import Microphone, list_microphones

assert any(mic.name == "pulse" for mic in list_microphones()), list_microphones()
with Microphone("pulse", keep_s=6.0) as microphone:
    print("ready", flush=True)
    clip = microphone.record(float(sys.argv[1]))
    assert microphone.latest_sound(0.5).duration_s == 0.5
microphone.close()
np.save(sys.argv[2], clip.samples)
print(clip.duration_s)
"""


def test_what_is_played_is_heard(pulse: dict[str, str], tmp_path: Path) -> None:
    played = np.concatenate([np.zeros(round(LEAD_S * 16_000)), words(1.0)])
    raw = tmp_path / "played.raw"
    raw.write_bytes((played * 32_767).astype("<i2").tobytes())
    # PortAudio reads its surroundings once a process: a process of its own gets this server.
    listener = subprocess.Popen(
        [sys.executable, "-c", HEAR, "3.5", str(tmp_path / "heard.npy")],
        env=pulse, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert listener.stdout is not None
    ready = listener.stdout.readline()
    if ready:
        subprocess.run(
            ["paplay", "--device=kiosk_mic", "--raw", "--rate=16000", "--channels=1",
             "--format=s16le", str(raw)],
            env=pulse, check=True, timeout=20,
        )  # fmt: skip
    output, errors = listener.communicate(timeout=30)
    assert listener.returncode == 0, errors
    assert float(output) == 3.5
    heard = np.load(tmp_path / "heard.npy")
    wanted = words(1.0)
    size = heard.size + wanted.size
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    start = int(np.argmax(np.fft.irfft(spectrum, size)[: heard.size - wanted.size]))
    correlation = np.corrcoef(heard[start : start + wanted.size], wanted)[0, 1]
    assert correlation > 0.99


def test_making_a_microphone_touches_nothing() -> None:
    assert Microphone("default").name == "microphone default"
    assert Microphone("3").name == "microphone 3"


def test_reading_a_microphone_that_is_not_open_is_refused() -> None:
    mic = Microphone()
    mic.close()
    mic.close()
    with pytest.raises(CaptureError, match="microphone default is not open"):
        mic.latest_sound(1.0)


def test_recording_more_than_is_kept_is_refused() -> None:
    with pytest.raises(CaptureError, match="20 s were asked of .* keeps 10 s; expected less"):
        Microphone().record(20.0)


class FakeStatus:
    input_overflow = True


class FakePortAudio:
    """PortAudio with one microphone at 48 kHz; the test calls back by itself."""

    PortAudioError = RuntimeError

    def __init__(self, *, starts: bool = True) -> None:
        self.starts = starts
        self.closed = 0
        self.settings: dict[str, object] = {}

    def query_devices(self, device: object = None, kind: str | None = None) -> object:
        usb = {"name": "USB mic", "max_input_channels": 4, "default_samplerate": 48_000.0}
        speaker = {"name": "Speaker", "max_input_channels": 0, "default_samplerate": 48_000.0}
        if kind is None:
            return [speaker, usb]
        if device not in (None, 1, "USB mic"):
            raise ValueError("no such device")
        return usb

    def InputStream(self, **settings: object) -> FakePortAudio:
        self.settings = settings
        return self

    def start(self) -> None:
        if not self.starts:
            raise RuntimeError("device busy")

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setattr(microphone, "_portaudio", lambda: fake)
    return fake


def hear(mic: Microphone, block: NDArray[np.float32]) -> None:
    mic._hear(block, len(block), None, FakeStatus())


def test_any_rate_and_channels_become_mono_at_16_khz(portaudio: FakePortAudio) -> None:
    times = np.arange(48_000) / 48_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * times)
    stereo = np.stack([tone, np.zeros_like(tone)], axis=1).astype(np.float32)
    with Microphone() as mic:
        assert (portaudio.settings["samplerate"], portaudio.settings["channels"]) == (48_000, 2)
        for start in range(0, 48_000, 960):
            hear(mic, stereo[start : start + 960])
        clip = mic.latest_sound(0.5)
        assert mic.overflows == 50
    assert clip is not None and clip.samples.size == 8_000
    spectrum = np.abs(np.fft.rfft(clip.samples))
    assert np.argmax(spectrum) == 220
    np.testing.assert_allclose(np.sqrt(np.mean(clip.samples**2)), 0.25 / np.sqrt(2), rtol=0.01)
    assert clip.start_s == pytest.approx(time.monotonic() - 0.5, abs=1.0)


def test_before_the_first_sound_there_is_none(portaudio: FakePortAudio) -> None:
    with Microphone() as mic:
        assert mic.latest_sound(1.0) is None


def test_an_error_in_the_callback_comes_out_of_the_next_read(portaudio: FakePortAudio) -> None:
    with Microphone() as mic:
        hear(mic, np.full((960, 2), np.nan, np.float32))
        with pytest.raises(CaptureError, match="microphone default stopped: .*NaN") as caught:
            mic.latest_sound(1.0)
        assert caught.value.__cause__ is not None


def test_a_microphone_that_falls_quiet_is_gone(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "QUIET_LIMIT_S", 0.02)
    with Microphone() as mic:
        hear(mic, np.zeros((960, 2), np.float32))
        with pytest.raises(CaptureError, match="has given nothing for .* check that it is still"):
            mic.record(1.0)


def test_closing_twice_closes_once(portaudio: FakePortAudio) -> None:
    with Microphone() as mic:
        mic.open()
        mic.close()
    assert portaudio.closed == 1


def test_a_missing_microphone_is_refused_with_what_there_is(portaudio: FakePortAudio) -> None:
    with pytest.raises(
        CaptureError, match=r"microphone Nemo is not there; expected one of: 1 \(USB mic\)"
    ):
        Microphone("Nemo").open()


def test_a_busy_microphone_is_refused_and_freed(portaudio: FakePortAudio) -> None:
    portaudio.starts = False
    with pytest.raises(CaptureError, match=r"does not start \(device busy\).*close it there"):
        Microphone(1).open()
    assert portaudio.closed == 1


def test_only_devices_that_record_are_listed(portaudio: FakePortAudio) -> None:
    assert list_microphones() == [
        MicrophoneInfo(index=1, name="USB mic", channels=4, rate_hz=48_000.0)
    ]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("PortAudio library not found"), "run `sudo apt install libportaudio2`"),
        (ImportError("no module"), "run `pip install sounddevice`"),
    ],
    ids=["no PortAudio", "no sounddevice"],
)
def test_missing_software_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    (tmp_path / "sounddevice.py").write_text(f"raise {error!r}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(MissingDependency, match=message):
        list_microphones()
