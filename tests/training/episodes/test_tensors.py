"""Indices become vectors of the fused space, with zeros where a stream is absent."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.episodes.tensors import FusedRows, trust_by_kind

STREAMS = ("image", "sound", "speech")


def sampler(table: EmbeddingTable, **keys: object) -> EpisodeSampler:
    plan = EpisodePlan.model_validate({"ways": [4], "shots": [1], **keys})
    return EpisodeSampler(table=table, plan=plan, seed=0)


def test_a_fused_vector_is_its_streams_side_by_side(toy_table: EmbeddingTable) -> None:
    batch = sampler(toy_table, pairing="random").batch(2)

    found = FusedRows(table=toy_table, streams=STREAMS).episodes(batch)

    picture, sound = batch.queries[1, 0]
    parts = [
        toy_table.points["image"][picture],
        toy_table.points["sound"][sound],
        toy_table.points["speech"][sound],
    ]
    expected = np.concatenate(parts) / np.sqrt(3.0)
    np.testing.assert_allclose(found.queries[1, 0].numpy(), expected, atol=1e-6)


def test_an_absent_modality_is_zero_and_the_rest_keeps_unit_length(
    toy_table: EmbeddingTable,
) -> None:
    batch = sampler(toy_table, pairing="random", patterns=[["both", "audio"]]).batch(2)

    queries = FusedRows(table=toy_table, streams=STREAMS).episodes(batch).queries

    assert not queries[..., :8].any()
    torch.testing.assert_close(queries.norm(dim=-1), torch.ones(2, 12))


def test_trust_by_kind_leaves_only_the_stream_that_is_made_for_it(
    toy_table: EmbeddingTable,
) -> None:
    trust = trust_by_kind(toy_table, STREAMS)
    batch = sampler(toy_table, pairing="random").batch(3)

    queries = FusedRows(table=toy_table, streams=STREAMS, trust=trust).episodes(batch).queries

    spoken = torch.from_numpy(toy_table.kind[batch.queries[..., 1]] == "speech")
    assert spoken.any() and not spoken.all()
    assert not queries[spoken][:, 8:14].any() and not queries[~spoken][:, 14:].any()
    assert queries[..., :8].any(dim=-1).all()


def test_class_numbers_name_the_table_s_classes(toy_table: EmbeddingTable) -> None:
    rows = FusedRows(table=toy_table, streams=("image",))
    batch = sampler(toy_table.where(toy_table.modality == "image")).batch(2)

    numbers = rows.episodes(batch).classes

    assert rows.class_names[numbers[1]].tolist() == list(batch.class_names[1])


def test_a_constructed_pair_has_no_class_number(toy_table: EmbeddingTable) -> None:
    batch = sampler(toy_table, pairing="random").batch(2)

    assert (FusedRows(table=toy_table, streams=STREAMS).episodes(batch).classes == -1).all()
