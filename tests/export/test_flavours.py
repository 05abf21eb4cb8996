from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")

from headstart.calibration.samples import ITEMS
from headstart.export.flavours import (
    PRECISIONS,
    Made,
    as_precisions,
    make_flavours,
    open_flavour,
    verdict_of,
)
from headstart.export.operators import check_operators
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.errors import ConfigError
from headstart.runtime.sources.sound import read_audio
from headstart.training.sources.media import write_sound


def write_sounds(root: Path, first: int) -> Path:
    """Ten classes of tones, four takes each; another ``first`` gives other classes."""
    for number in range(first, first + 10):
        (root / f"tone-{number}").mkdir(parents=True)
        for take in range(4):
            rng = np.random.default_rng((number, take))
            time_s = np.arange(16_000) / 16_000
            sound = 0.4 * np.sin(2 * np.pi * (120 + 130 * number) * time_s) * np.exp(-2 * time_s)
            sound += 0.03 * rng.standard_normal(time_s.size)
            write_sound(root / f"tone-{number}" / f"{take}.wav", sound.astype(np.float32))
    return root


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("flavours")
    return write_sounds(root / "gate", 0), write_sounds(root / "calibration", 10)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def made(bundle: Bundle, folders: tuple[Path, Path], said: list[str]) -> list[Made]:
    gate_set, calibration = folders
    return make_flavours(
        bundle,
        gate_set=gate_set,
        calibration=calibration,
        streams=["speech"],
        episodes=50,
        report=said.append,
    )


def test_every_flavour_is_made_judged_and_small(made: list[Made], bundle: Bundle) -> None:
    assert [one.precision for one in made] == list(PRECISIONS)
    assert [one.share <= limit for one, limit in zip(made, (0.55, 0.3, 0.3), strict=True)] == [
        True, True, True,
    ]  # fmt: skip
    assert all(one.verdict.few_shot.samples == 40 for one in made)


def test_the_report_compares_the_methods(made: list[Made], said: list[str]) -> None:
    assert made
    assert any(
        line.startswith("speech int8-cpu: minmax loses") and "percentile loses" in line
        for line in said
    )


def test_the_card_says_how_it_was_made_and_what_it_loses(made: list[Made]) -> None:
    card = made[1].card()
    assert card.startswith("int8-cpu, per channel, ") and "over 40 samples" in card
    assert "accuracy" in card and "threshold shift" in card
    assert 40 <= ITEMS


def test_what_is_for_tensorrt_passes_every_allow_list(made: list[Made]) -> None:
    for one in made:
        if one.precision != "int8-cpu":
            check_operators(onnx.load_from_string(one.data))


def test_a_flavour_opens_as_an_encoder(made: list[Made], bundle: Bundle) -> None:
    for one in made:
        encoder = open_flavour(one.data, one.precision, bundle, "speech")
        assert encoder.encode(np.zeros((1, 16_000), np.float32)).shape == (1, 96)
        encoder.close()


def test_verdicts_meet_in_one_table(made: list[Made], folders: tuple[Path, Path]) -> None:
    verdict = verdict_of(made, folders[0])
    assert len(verdict.streams) == 3
    assert verdict.text().count("speech") == 3


def test_int8_without_samples_to_calibrate_on_is_refused(
    bundle: Bundle, folders: tuple[Path, Path]
) -> None:
    with pytest.raises(ConfigError, match="int8-cpu and int8-trt need samples to calibrate on"):
        make_flavours(bundle, gate_set=folders[0])


def test_judging_on_what_was_calibrated_on_is_refused(
    bundle: Bundle, folders: tuple[Path, Path]
) -> None:
    with pytest.raises(ConfigError, match="given to calibrate on and to judge on; expected two"):
        make_flavours(bundle, gate_set=folders[0], calibration=folders[0])


def test_unknown_precisions_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"precisions \['int4'\] were asked for"):
        as_precisions(["fp16", "int4"])


def test_the_made_sounds_are_what_they_should_be(folders: tuple[Path, Path]) -> None:
    assert read_audio(folders[0] / "tone-3" / "1.wav").samples.shape == (16_000,)
