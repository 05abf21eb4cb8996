"""Trains the trust networks: which stream of a sample to believe.

    python -m headstart.training.trust training/recipes/statistics.toml --statistics FILE --out FILE

Two losses together: episodes must come out right in the fused space, and sound and speech must be
told apart. Either alone is worse: in training sounds the speech stream is nearly as good as the
sound stream, so that episodes alone learn to keep it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor
from torch.nn import functional

from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.errors import HeadstartError
from headstart.runtime.fusion.late import Placed, weigh
from headstart.runtime.fusion.spaces import Spaces, open_spaces
from headstart.runtime.fusion.trust import TrustNetwork
from headstart.runtime.heads.arrays import unit
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.training.distractors import distractors
from headstart.training.episodes.table import EmbeddingTable, table_of
from headstart.training.sources.cache import Cache, default_root
from headstart.training.sources.gather import gather, scenery
from headstart.training.sources.recipe import read_recipe
from headstart.training.starter_statistics import read_statistics
from headstart.training.trust_episodes import ABSENT, QUERIES, THEMES, TrustEpisode, TrustEpisodes

HIDDEN = 32
STEPS = 900
EPISODES_A_STEP = 4
RATE = 3e-3
KIND_BATCH = 256
START_SHARPNESS = 2.3
"""Logarithm of the softmax's sharpness over cosines; learned along, not shipped."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrustData:
    """Training rows and what holds nothing, as tensors of calibrated points.

    Args:
        episodes: draws from the rows.
        points: stream → ``(rows, dim)``; zeros where absent, and in the last row.
        streams: modality → its streams.
        speech_rows, sound_rows: rows that hold words, and other sounds.
    """

    episodes: TrustEpisodes
    points: dict[str, Tensor]
    streams: Mapping[str, tuple[str, ...]]
    speech_rows: NDArray[np.int64]
    sound_rows: NDArray[np.int64]


def trust_data(table: EmbeddingTable, empty: Sequence[Placed]) -> TrustData:
    """Put training rows and distractors into one set of tensors; the last row is absence."""
    count = len(table)
    points = {}
    for stream, rows in table.points.items():
        extra = np.zeros((len(empty) + 1, rows.shape[1]), np.float32)
        for at, placed in enumerate(empty):
            if stream in placed.points:
                extra[at] = placed.points[stream][0]
        points[stream] = torch.from_numpy(np.concatenate([rows, extra]))
    number = {"image": [], "audio": []}  # type: dict[str, list[int]]
    for at, placed in enumerate(empty):
        number["image" if "image" in placed.points else "audio"].append(count + at)
    return TrustData(
        episodes=TrustEpisodes(table, np.array(number["image"]), np.array(number["audio"])),
        points=points,
        streams={m: s for m, s in table.modality_streams.items() if s},
        speech_rows=np.flatnonzero(table.kind == "speech"),
        sound_rows=np.flatnonzero(table.kind == "sound"),
    )


def new_networks(data: TrustData) -> dict[str, TrustNetwork]:
    """Networks that trust everything alike: their last layer is zero."""
    networks = {}
    for modality, streams in data.streams.items():
        layer = torch.nn.Linear(sum(data.points[s].shape[1] for s in streams), HIDDEN)
        networks[modality] = TrustNetwork(
            streams=streams,
            hidden=layer.weight,
            hidden_bias=layer.bias,
            out=torch.zeros(len(streams) + 1, HIDDEN, requires_grad=True),
            out_bias=torch.zeros(len(streams) + 1, requires_grad=True),
        )
    return networks


def fused(
    networks: Mapping[str, TrustNetwork], data: TrustData, rows: Mapping[str, NDArray[np.int64]]
) -> Tensor:
    """Fused points of samples given by their row in each modality ``(samples,)`` each."""
    parts, trusts = [], []
    for modality, network in networks.items():
        at = torch.from_numpy(rows[modality])  # ABSENT is the last row: zeros
        points = [data.points[stream][at] for stream in network.streams]
        parts += points
        trusts.append(torch.exp(network.judge(torch.cat(points, dim=1))))
    whole: Tensor = weigh(parts, torch.cat(trusts, dim=1))
    return whole


def episode_loss(
    networks: Mapping[str, TrustNetwork], data: TrustData, episode: TrustEpisode, sharpness: Tensor
) -> Tensor:
    """Cross-entropy of the queries over cosines to class means in the fused space."""
    ways = len(episode.support_audio)
    support = fused(
        networks,
        data,
        {"image": episode.support_image.ravel(), "audio": episode.support_audio.ravel()},
    )
    prototypes = unit(support.reshape(ways, -1, support.shape[1]).mean(dim=1))
    asked = {"image": episode.query_image.ravel(), "audio": episode.query_audio.ravel()}
    there = (asked["image"] != ABSENT) | (asked["audio"] != ABSENT)
    queries = fused(networks, data, {m: rows[there] for m, rows in asked.items()})
    labels = torch.arange(ways).repeat_interleave(QUERIES)[torch.from_numpy(there)]
    return functional.cross_entropy(torch.exp(sharpness) * queries @ prototypes.T, labels)


def kind_loss(
    networks: Mapping[str, TrustNetwork], data: TrustData, rows: NDArray[np.int64]
) -> Tensor:
    """Is it speech? From the difference of the two audio streams' trust, kinds weighed alike."""
    network = networks["audio"]
    at = torch.from_numpy(rows)
    judged = network.judge(torch.cat([data.points[s][at] for s in network.streams], dim=1))
    speech, sound = network.streams.index("speech"), network.streams.index("sound")
    is_speech = torch.from_numpy(np.isin(rows, data.speech_rows).astype(np.float32))
    odds = len(data.sound_rows) / max(1, len(data.speech_rows))
    return functional.binary_cross_entropy_with_logits(
        judged[:, speech] - judged[:, sound], is_speech, pos_weight=torch.tensor(odds)
    )


def train_trust(data: TrustData, *, seed: int = 0, steps: int = STEPS) -> dict[str, TrustNetwork]:
    """Train; about a minute on one core. The same seed gives the same networks.

    Raises:
        HeadstartError: the loss is no longer a number; the message names the step.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    networks = new_networks(data)
    sharpness = torch.tensor(START_SHARPNESS, requires_grad=True)
    parts = [p for n in networks.values() for p in (n.hidden, n.hidden_bias, n.out, n.out_bias)]
    optimiser = torch.optim.AdamW([*parts, sharpness], RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    heard = np.concatenate([data.speech_rows, data.sound_rows])
    for step in track(range(steps), description="Training trust"):
        loss = kind_loss(networks, data, rng.choice(heard, KIND_BATCH))
        for number in range(EPISODES_A_STEP):
            theme = THEMES[(step * EPISODES_A_STEP + number) % len(THEMES)]
            episode = data.episodes.draw(theme, rng)
            loss = loss + episode_loss(networks, data, episode, sharpness) / EPISODES_A_STEP
        if not torch.isfinite(loss):
            raise HeadstartError(f"the loss of step {step} is {loss.item()}; expected a number")
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return networks


def tensors_of(networks: Mapping[str, TrustNetwork]) -> dict[str, NDArray[np.float32]]:
    """The head file's ``trust.<modality>.<part>`` tensors."""
    return {
        f"trust.{modality}.{part}": getattr(network, part).detach().numpy().copy()
        for modality, network in networks.items()
        for part in ("hidden", "hidden_bias", "out", "out_bias")
    }


def main() -> int:
    """Command line; 0 when the networks were written, 1 for a clear failure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--statistics", type=Path, required=True, help="measured with the recipe")
    parser.add_argument("--out", type=Path, required=True, help="statistics with the networks")
    parser.add_argument("--bundle", type=Path, help="whose encoders; default: the starter bundle")
    parser.add_argument("--cache", type=Path, default=default_root(), help="kept downloads")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        _train_into(options)
    except HeadstartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"wrote {options.out}\n")
    return 0


def _train_into(options: argparse.Namespace) -> None:
    from safetensors.numpy import save_file

    recipe, bundle = read_recipe(options.recipe), load_bundle(options.bundle)
    entries, cache = bundle.manifest.streams, Cache(root=options.cache)
    statistics = read_statistics(options.statistics)
    start = replace(LearnedInitialization.from_tensors(statistics.tensors), trust={})
    spaces: Spaces = open_spaces(entries, start, entries)
    with Embedder(entries, open_encoders(bundle, threads=1)) as embedder:
        embedded = gather(recipe, embedder, cache).embedded
        empty = distractors(scenery(cache).backgrounds, embedder, spaces)
    table = table_of(embedded, spaces, {s: e.modality for s, e in entries.items()})
    networks = train_trust(trust_data(table.of_split("train"), empty), seed=options.seed)
    told = dict(statistics.card)
    told["Trust"] = f"Trained for {STEPS} steps with seed {options.seed}; training classes only."
    notes = {
        "space": json.dumps(
            {name: space.model_dump() for name, space in statistics.spaces.items()}
        ),
        "card": json.dumps(told),
    }
    kept = {k: v for k, v in statistics.tensors.items() if not k.startswith("trust.")}
    save_file({**kept, **tensors_of(networks)}, options.out, metadata=notes)


if __name__ == "__main__":
    raise SystemExit(main())
