"""A recipe's data as tables of episodes: embedded, brought into spaces, split by class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from headstart.calibration.statistics import within_class_covariance
from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.errors import ConfigError
from headstart.training.distributed import Team
from headstart.training.episodes.table import EmbeddingTable, read_embedded, table_of
from headstart.training.episodes.tensors import FusedRows, trust_by_kind
from headstart.training.learner_recipe import LearnerRecipe
from headstart.training.learners.catalogue import Setting
from headstart.training.sources.embedded import Embedded
from headstart.training.splits import Split
from headstart.training.statistics import fit, plain_space

_FLOOR = 0.1
"""Share of its mean variance that every direction of a measured covariance gets at least."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnerData:
    """Every split's rows in the fused space.

    Args:
        table: all rows that the recipe's space names.
        recipe: which streams, and how far each is trusted.
    """

    table: EmbeddingTable
    recipe: LearnerRecipe

    def rows(self, split: Split) -> FusedRows:
        """The rows of one split's classes, from the sources that the recipe allows it."""
        space = self.recipe.space
        sources = space.train_sources if split == "train" else space.judge_sources
        return self._fused(self.table.only(sources=sources).of_split(split))

    def setting(self) -> Setting:
        """What learners have to know of the training rows."""
        rows = self.rows("train")
        wanted = any(getattr(o, "covariance", None) == "measured" for o in self.recipe.chosen)
        return Setting(
            dim=rows.dim,
            classes=len(rows.class_names),
            covariance=torch.from_numpy(self._covariance) if wanted else None,
        )

    def _fused(self, table: EmbeddingTable) -> FusedRows:
        streams = self.recipe.space.streams
        trust = trust_by_kind(table, streams) if self.recipe.space.trust == "kind" else None
        return FusedRows(table=table, streams=streams, trust=trust)

    @cached_property
    def _covariance(self) -> NDArray[np.float32]:
        """Within-class covariance of training classes, one block a stream."""
        rows = self.rows("train")
        whole = np.zeros((rows.dim, rows.dim), np.float32)
        at = 0
        for stream in rows.streams:
            points = rows.table.points[stream]
            there = np.flatnonzero(np.abs(points).sum(axis=1))
            size = points.shape[1]
            found = within_class_covariance(points[there], rows.table.class_name[there].tolist())
            floor = _FLOOR * np.trace(found) / size * np.eye(size)
            whole[at : at + size, at : at + size] = (1.0 - _FLOOR) * found + floor
            at += size
        return whole


def learner_data(
    recipe: LearnerRecipe,
    *,
    embeddings: Path | None,
    bundle: Path | None,
    cache: Path,
    team: Team,
) -> LearnerData:
    """Read or make the embeddings and bring them into their spaces.

    Args:
        recipe: its sources, unless ``embeddings`` are given.
        embeddings: an ``.npz`` file that holds them already.
        bundle: whose encoders and stream settings; None is the starter bundle.
        cache: where sources are kept.
        team: the leading process fetches and embeds, the others wait and read.

    Raises:
        ConfigError: the recipe names a stream that the bundle or the data does not have, or
            nothing is left.
        ArtifactError, BackendError, MissingDependency: as the sources and the bundle.
    """
    opened = load_bundle(bundle)
    embedded = read_embedded(embeddings) if embeddings else _gathered(recipe, opened, cache, team)
    wanted = recipe.space.streams
    held = tuple(s for s in opened.manifest.streams if s in embedded.offsets)
    missing = [stream for stream in wanted if stream not in held]
    if missing:
        raise ConfigError(
            f"[space] asks for the streams {', '.join(missing)}; expected some of"
            f" {', '.join(held)}: correct it"
        )
    entries = {stream: opened.manifest.streams[stream] for stream in wanted}
    measured = fit(embedded, entries, recipe.statistics)
    spaces = {
        stream: replace(plain_space(entry), mean=found.mean, whitening=found.whitening)
        for (stream, entry), found in zip(entries.items(), measured.values(), strict=True)
    }
    modalities: Mapping[str, str] = {s: entry.modality for s, entry in entries.items()}
    table = table_of(embedded, spaces, modalities).only(kinds=recipe.space.kinds)
    table = table.where(np.isin(table.modality, sorted(set(modalities.values()))))
    if not len(table):
        raise ConfigError(
            f"nothing of the kinds {', '.join(recipe.space.kinds)} feeds the streams"
            f" {', '.join(wanted)}; expected some rows: widen [space] or add sources"
        )
    return LearnerData(table=table, recipe=recipe)


def _gathered(recipe: LearnerRecipe, bundle: Bundle, cache: Path, team: Team) -> Embedded:
    from headstart.runtime.embedding.embedder import Embedder
    from headstart.runtime.encoders.onnxruntime import open_encoders
    from headstart.training.sources.cache import Cache
    from headstart.training.sources.gather import gather

    def embed() -> Embedded:
        with Embedder(bundle.manifest.streams, open_encoders(bundle, threads=1)) as embedder:
            return gather(recipe, embedder, Cache(root=cache)).embedded

    if team.leads:
        found = embed()
        team.wait()
        return found
    team.wait()
    return embed()
