from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError, MissingDependency
from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.training.sources.espeak import VOICES, spoken_words


def test_every_word_has_every_voice() -> None:
    items = spoken_words(["apple", "red mug"])
    assert len(items) == 2 * len(VOICES)
    assert {i.class_name for i in items} == {"espeak/apple", "espeak/red mug"}
    assert len({i.key for i in items}) == len(items)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="apt-get install espeak-ng")
def test_words_are_spoken_and_voices_differ() -> None:
    spoken = [item.read() for item in spoken_words(["apple"])[:2]]
    for samples in spoken:
        assert 0.2 < samples.size / SAMPLE_RATE_HZ < 2.5
        assert 0.05 < np.abs(samples).max() <= 1
    assert spoken[0].size != spoken[1].size


def test_a_missing_synthesizer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingDependency, match="apt-get install espeak-ng"):
        spoken_words(["apple"])[0].read()


def test_a_synthesizer_that_says_nothing_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "espeak-ng").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "espeak-ng").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(CaptureError, match="said nothing for 'apple'"):
        spoken_words(["apple"])[0].read()
