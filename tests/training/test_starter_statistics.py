from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")
from safetensors.numpy import save_file

from headstart.runtime.bundle.manifest import Space
from headstart.runtime.errors import ArtifactError
from headstart.training.starter_statistics import (
    Statistics,
    merged_head,
    merged_streams,
    read_all_statistics,
    read_statistics,
)
from headstart.training.starter_streams import starter_streams


def test_without_statistics_every_mean_is_zero() -> None:
    head = merged_head(starter_streams(), Statistics())
    assert {name: tensor.shape for name, tensor in head.items()} == {
        "image.mean": (1280,),
        "sound.mean": (1024,),
        "speech.mean": (96,),
    }
    assert not any(tensor.any() for tensor in head.values())
    assert {tensor.dtype for tensor in head.values()} == {np.dtype(np.float32)}


def test_measured_tensors_and_spaces_are_merged_in(tmp_path: Path) -> None:
    mean = np.arange(96, dtype=np.float32)
    notes = {
        "space": json.dumps({"speech": {"mean_weight": 0.5}}),
        "card": json.dumps({"Centred on": "prompts"}),
        "provenance": json.dumps([{"what": "prompts", "source": "here", "licence": "MIT"}]),
    }
    save_file({"speech.mean": mean, "prior": np.ones(3)}, tmp_path / "s.safetensors", notes)
    statistics = read_statistics(tmp_path / "s.safetensors")

    head = merged_head(starter_streams(), statistics)
    np.testing.assert_array_equal(head["speech.mean"], mean)
    np.testing.assert_array_equal(head["prior"], np.ones(3))
    assert not head["image.mean"].any()

    streams = merged_streams(starter_streams(), statistics)
    assert streams["speech"].space == Space(mean_weight=0.5)
    assert streams["sound"].space == Space(power=0.5)
    assert statistics.card == {"Centred on": "prompts"}
    assert statistics.provenance[0].licence == "MIT"


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (np.zeros(95, np.float32), r"'speech.mean' as float32 \(95,\); expected float32 \(96,\)"),
        (np.zeros(96), r"'speech.mean' as float64"),
    ],
    ids=["length", "type"],
)
def test_a_mean_that_does_not_fit_is_refused(tensor: np.ndarray, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        merged_head(starter_streams(), Statistics(tensors={"speech.mean": tensor}))


def test_a_space_of_an_unknown_stream_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"name the streams \['smell'\]; expected some of"):
        merged_streams(starter_streams(), Statistics(spaces={"smell": Space()}))


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        ({"spice": "{}"}, r"have the metadata \['spice'\]; expected only 'space'"),
        ({"space": "not JSON"}, "have wrong metadata at"),
        ({"space": '{"speech": {"powr": 1}}'}, r"wrong metadata at .*'powr'"),
    ],
    ids=["unknown", "not JSON", "typo"],
)
def test_metadata_that_are_wrong_are_refused(
    notes: dict[str, str], words: str, tmp_path: Path
) -> None:
    save_file({"x": np.zeros(1)}, tmp_path / "s.safetensors", notes)
    with pytest.raises(ArtifactError, match=words):
        read_statistics(tmp_path / "s.safetensors")


@pytest.mark.parametrize("content", [b"garbage", None], ids=["garbage", "missing"])
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match="cannot be read .*; expected a safetensors file"):
        read_statistics(path)


def test_of_several_files_the_later_goes_before(tmp_path: Path) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    one, two = np.ones(2, np.float32), np.zeros(2, np.float32)
    save_file({"image.mean": one, "sound.mean": one}, first, metadata={"card": '{"A": "a"}'})
    save_file({"sound.mean": two}, second, metadata={"card": '{"B": "b"}', "recipe": "{}"})

    both = read_all_statistics([first, second])

    assert both.tensors["image.mean"].tolist() == [1, 1]
    assert both.tensors["sound.mean"].tolist() == [0, 0]
    assert both.card == {"A": "a", "B": "b"}
