from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError
from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.training.sources import instruments as module
from headstart.training.sources.cache import Cache
from headstart.training.sources.instruments import FONTS, instruments


class Synthesizer:
    """A synthesizer with one instrument: a tone at the key's pitch; program 1 is silent."""

    def __init__(self) -> None:
        self.level, self.hertz, self.asked = 0.0, 0.0, (0, 0, 0)

    def sounds_off(self) -> None:
        self.level = 0.0

    def program_select(self, channel: int, font: int, bank: int, program: int) -> None:
        self.asked = (channel, bank, program)

    def noteon(self, channel: int, key: int, velocity: int) -> None:
        self.level = 0.0 if self.asked[2] == 1 else velocity / 127
        self.hertz = 440 * 2 ** ((key - 69) / 12)

    def noteoff(self, channel: int, key: int) -> None:
        self.level = 0.0

    def generate(self, samples: int) -> memoryview:
        time = np.arange(samples) / (2 * SAMPLE_RATE_HZ)
        tone = self.level * np.sin(2 * np.pi * self.hertz * time)
        return memoryview(np.stack([tone, tone], 1).astype(np.float32).tobytes())


@pytest.fixture
def synthesizer(monkeypatch: pytest.MonkeyPatch) -> Synthesizer:
    made = Synthesizer()
    monkeypatch.setattr(module, "_loaded", lambda path: (made, 0))
    return made


def test_every_font_plays_every_instrument_and_drum(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    for package, file, _ in FONTS.values():
        font = tmp_path / f"{package.stage.replace('packages/', 'unpacked/')}-all" / file
        font.parent.mkdir(parents=True)
        font.touch()
    items = instruments(cache)
    assert len(items) == len(FONTS) * (128 * 3 + 47)
    assert len({i.class_name for i in items}) == 128 + 47
    assert {i.variant for i in items} == {"timgm6mb", "csound", "fluid"}


def test_a_note_sounds_at_its_pitch_and_ends(synthesizer: Synthesizer) -> None:
    samples = module._render(Path("font.sf2"), 0, 0, 69)
    held = samples[2000:14_000]
    peak_hz = np.abs(np.fft.rfft(held)).argmax() * SAMPLE_RATE_HZ / held.size
    assert samples.shape == (round(1.6 * SAMPLE_RATE_HZ),)
    assert peak_hz == pytest.approx(440, abs=2)
    assert np.abs(held).max() == pytest.approx(round(127 * 0.8) / 127, abs=0.01)
    assert not samples[17_000:].any()


def test_drums_play_on_the_drum_channel(synthesizer: Synthesizer) -> None:
    module._render(Path("font.sf2"), 128, 0, 40)
    assert synthesizer.asked == (9, 128, 0)


def test_a_missing_instrument_is_skipped_not_silent(synthesizer: Synthesizer) -> None:
    with pytest.raises(CaptureError, match=r"font\.sf2 is silent for bank 0 program 1 key 60"):
        module._render(Path("font.sf2"), 0, 1, 60)


def test_halving_the_rate_removes_what_would_fold_back() -> None:
    time = np.arange(32_000) / 32_000
    high = np.sin(2 * np.pi * 12_000 * time).astype(np.float32)
    low = np.sin(2 * np.pi * 1_000 * time).astype(np.float32)
    assert np.abs(module._halved(high)[100:-100]).max() < 0.01
    assert np.abs(module._halved(low)[100:-100]).max() == pytest.approx(1.0, abs=0.01)
