"""Tables hold each row once, in the space a device would use; no class is on two sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headstart.runtime.errors import ArtifactError, ConfigError
from headstart.runtime.fusion.calibrated import CalibratedSpace
from headstart.training.episodes.table import EmbeddingTable, read_embedded, table_of
from headstart.training.sources.embedded import Embedded
from headstart.training.splits import SPLITS


def test_a_row_is_its_point_in_the_space_and_zero_where_its_modality_feeds_nothing(
    toy_embedded: Embedded,
) -> None:
    mean = np.full(8, 0.1, np.float32)

    table = table_of(toy_embedded, {"image": CalibratedSpace(mean=mean)}, {"image": "image"})

    raw = toy_embedded.vectors["image"][0].astype(np.float32)
    expected = raw / np.linalg.norm(raw) - mean
    np.testing.assert_allclose(
        table.points["image"][0], expected / np.linalg.norm(expected), atol=1e-6
    )
    assert not table.points["image"][table.modality == "audio"].any()


def test_conditions_of_one_recording_are_one_item(toy_table: EmbeddingTable) -> None:
    first = np.flatnonzero(toy_table.modality == "audio")[:4]

    assert toy_table.condition[first].tolist() == ["clean", "mild", "medium", "clean"]
    assert len(set(toy_table.item[first[:3]].tolist())) == 1
    assert toy_table.item[first[3]] != toy_table.item[first[0]]


def test_splits_share_no_class_and_lose_no_row(toy_table: EmbeddingTable) -> None:
    names = [set(toy_table.of_split(split).class_name.tolist()) for split in SPLITS]

    assert all(names)
    assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])
    assert sum(len(toy_table.of_split(split)) for split in SPLITS) == len(toy_table)


def test_a_held_out_variant_appears_in_test_classes_only(toy_table: EmbeddingTable) -> None:
    everywhere = np.full(len(toy_table), "fxemoji")
    table = EmbeddingTable(**{**vars(toy_table), "variant": everywhere})

    assert [len(table.of_split(split)) > 0 for split in SPLITS] == [False, False, True]


def test_every_class_is_in_exactly_one_fold(toy_table: EmbeddingTable) -> None:
    found: list[str] = []
    for number in range(3):
        outside, inside = toy_table.fold(number, 3)
        assert not set(outside.class_name.tolist()) & set(inside.class_name.tolist())
        assert len(outside) + len(inside) == len(toy_table)
        found += sorted(set(inside.class_name.tolist()))

    assert sorted(found) == sorted(set(toy_table.class_name.tolist()))


@pytest.mark.parametrize(("number", "folds"), [(0, 1), (3, 3), (-1, 3)])
def test_a_fold_that_does_not_exist_is_refused(
    toy_table: EmbeddingTable, number: int, folds: int
) -> None:
    with pytest.raises(ConfigError, match=f"fold {number} of {folds} was asked for; expected 0 to"):
        toy_table.fold(number, folds)


def test_only_keeps_the_kinds_and_sources_asked_for(toy_table: EmbeddingTable) -> None:
    chosen = toy_table.only(kinds=("speech",), sources=("source-1",))

    assert set(chosen.kind.tolist()) == {"speech"}
    assert set(chosen.source.tolist()) == {"source-1"}


def test_embeddings_are_read_back_as_written(toy_file: Path, toy_embedded: Embedded) -> None:
    again = read_embedded(toy_file)

    np.testing.assert_array_equal(again.vectors["speech"], toy_embedded.vectors["speech"])
    assert again.facts["class_name"].tolist() == toy_embedded.facts["class_name"].tolist()


def test_a_file_that_is_no_embeddings_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    np.savez(other, numbers=np.arange(3))

    with pytest.raises(ArtifactError, match="embeddings .* cannot be read .*: embed the sources"):
        read_embedded(other)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_embedded(tmp_path / "missing.npz")
