from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from headstart.training.encoders.logmel import (
    BINS,
    MelSpectrogram,
    htk_mel_matrix,
    slaney_mel_matrix,
)
from headstart.training.encoders.speech_embedding import SpeechEmbedding
from headstart.training.encoders.yamnet import Yamnet

SOUND = np.random.default_rng(0).normal(size=(2, 16_000)).astype(np.float32) * 0.1


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize(("first", "frames"), [(0, 96), (56, 97)], ids=["YAMNet", "speech"])
def test_the_convolution_is_the_short_time_fourier_transform(
    first: int, frames: int, power: int
) -> None:
    identity = np.eye(BINS)
    ours = MelSpectrogram(identity, first=first, frames=frames, power=power)(torch.tensor(SOUND))
    # torch.stft puts the 400-sample window in the middle of its 512-sample frame.
    shifted = torch.nn.functional.pad(torch.tensor(SOUND[:, first:]), (56, 56))
    window = torch.hann_window(400)
    spectrum = torch.stft(shifted, 512, 160, 400, window, center=False, return_complex=True)
    expected = spectrum.abs()[:, :, :frames].transpose(1, 2) ** power
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def test_htk_triangles_are_straight_in_mel() -> None:
    matrix = htk_mel_matrix(64, 125.0, 7500.0)
    low, high = 1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700)
    step = (high - low) / 65
    # Bin 32 lies at 1000 Hz, 999.99 mel: filters 37 and 38 share it by distance.
    position = (1127 * np.log(1 + 1000 / 700) - low) / step
    left = int(position) - 1
    row = np.zeros(64)
    row[[left, left + 1]] = 1 - position % 1, position % 1
    np.testing.assert_allclose(matrix[32], row, atol=1e-12)
    assert not matrix[0].any() and not matrix[241:].any()


def test_slaney_filters_have_unit_area_and_the_known_edges() -> None:
    matrix = slaney_mel_matrix(32, 60.0, 3800.0)
    # Area in hertz: bins are 31.25 Hz wide; wide filters are sampled well enough.
    np.testing.assert_allclose(matrix[:, 20:].sum(axis=0) * 31.25, 1, atol=0.02)
    edges = np.flatnonzero(matrix.any(axis=1))
    assert (edges[0] * 31.25, edges[-1] * 31.25) == (62.5, 3781.25)


def test_a_tone_lands_in_the_filter_of_its_frequency() -> None:
    tone = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000).astype(np.float32)
    matrix = htk_mel_matrix(64, 125.0, 7500.0)
    mel = MelSpectrogram(matrix, first=0, frames=96, power=1)(torch.tensor(tone[None]))
    assert (mel[0].argmax(dim=1) == int(matrix[32].argmax())).all()


def test_silence_gives_the_logarithm_of_the_floor() -> None:
    patch = Yamnet().patch(torch.zeros(1, 16_000))
    torch.testing.assert_close(patch, torch.full((1, 96, 64), float(np.log(0.001))))
    # -100 dB, over 10, plus 2.
    scaled = SpeechEmbedding().log_mel(torch.zeros(1, 16_000))
    torch.testing.assert_close(scaled, torch.full((1, 97, 32), -8.0))


def test_one_sound_does_not_change_anothers_log_mel() -> None:
    model = SpeechEmbedding()
    quiet, loud = torch.tensor(SOUND[:1] * 1e-4), torch.tensor(SOUND[1:])
    quiet[:, :8_000] = 0
    together = model.log_mel(torch.cat([quiet, loud]))[:1]
    torch.testing.assert_close(together, model.log_mel(quiet))
    # 80 dB under the loudest value of the same sound, so 8 in the scaled unit.
    assert float(together.max() - together.min()) == pytest.approx(8.0, abs=1e-4)


def test_only_the_last_76_frames_matter_to_speech() -> None:
    model = SpeechEmbedding().eval()
    sound = torch.tensor(SOUND[:1])
    # Frame 21 of 97, the first that counts, starts at sample 21 * 160 + 56.
    start = 21 * 160 + 56
    before, after = sound.clone(), sound.clone()
    before[:, :start] *= 0.5
    after[:, start : start + 160] *= 0.5
    with torch.inference_mode():
        assert torch.equal(model(before), model(sound))
        assert not torch.equal(model(after), model(sound))
