"""Training trust: episodes keep takes apart, and a deaf stream loses its say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="training needs torch: make test on Python 3.11")

from headstart.runtime.fusion.late import Placed
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.trust import TrustData, tensors_of, train_trust, trust_data
from headstart.training.trust_episodes import ABSENT, THEMES, TrustEpisodes

CLASSES, TAKES, DIM = 20, 4, 12


def _unit(x: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True), np.float32)


def _table() -> EmbeddingTable:
    """Words that only the speech stream tells apart, sounds that only the sound stream does."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(["speech", "sound", "photo"], CLASSES * TAKES)
    count = kinds.size
    number = np.arange(count) // TAKES
    centres = rng.standard_normal((count // TAKES, DIM))
    points = {}
    for stream, own, other in (("image", "photo", ""), ("sound", "sound", "speech"),
                               ("speech", "speech", "sound")):  # fmt: skip
        noise = rng.standard_normal((count, DIM))
        good = centres[number] + 0.3 * noise
        deaf = 2.0 * np.eye(DIM)[0] + noise
        placed = np.where((kinds == own)[:, None], good, deaf)
        placed[~np.isin(kinds, [own, other])] = 0
        points[stream] = np.zeros((count, DIM), np.float32)
        there = np.isin(kinds, [own, other])
        points[stream][there] = _unit(placed[there])
    return EmbeddingTable(
        points=points,
        modality_streams={"image": ("image",), "audio": ("sound", "speech")},
        modality=np.where(kinds == "photo", "image", "audio"),
        class_name=np.char.add("class ", number.astype(str)),
        kind=kinds,
        source=np.full(count, "test"),
        variant=np.full(count, "one"),
        condition=np.where(kinds == "photo", "good", "clean"),
        item=np.arange(count),
    )


def _data() -> TrustData:
    rng = np.random.default_rng(1)
    empty = [
        Placed(points={s: _unit(rng.standard_normal((1, DIM))) for s in streams}, weights={})
        for streams in (("image",), ("sound", "speech"))
        for _ in range(5)
    ]
    return trust_data(_table(), empty)


@pytest.mark.parametrize("theme", THEMES)
def test_enrolled_takes_are_never_asked_about(theme: str) -> None:
    episodes = TrustEpisodes(_table(), np.array([0]), np.array([1]))
    rng = np.random.default_rng(2)
    for _ in range(20):
        episode = episodes.draw(theme, rng)  # type: ignore[arg-type]
        assert len(episode.support_audio) == len(episode.query_audio)
        if theme != "pairs":
            assert (episode.support_image == ABSENT).all()
            for support, query in zip(episode.support_audio, episode.query_audio, strict=True):
                assert not set(support) & set(query)


def test_every_sample_of_a_pair_keeps_one_modality_at_enrolment() -> None:
    episodes = TrustEpisodes(_table(), np.array([0]), np.array([1]))
    rng = np.random.default_rng(3)
    for _ in range(50):
        episode = episodes.draw("pairs", rng)
        assert ((episode.support_image != ABSENT) | (episode.support_audio != ABSENT)).all()


def test_training_learns_which_stream_hears_and_repeats_by_seed() -> None:
    data = _data()
    networks = train_trust(data, steps=120)
    audio = networks["audio"]
    both = torch.cat([data.points["sound"], data.points["speech"]], dim=1)
    judged = audio.judge(both).detach().numpy()
    margin = judged[:, 1] - judged[:, 0]
    assert (margin[data.speech_rows] > 0).mean() > 0.9
    assert (margin[data.sound_rows] < 0).mean() > 0.9
    again = tensors_of(train_trust(_data(), steps=120))
    for name, tensor in tensors_of(networks).items():
        assert np.array_equal(tensor, again[name])
