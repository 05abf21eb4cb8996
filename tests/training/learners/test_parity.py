"""The head on the device (NumPy) is the head in training (torch), for every learner, shot count and
missing-stream pattern, to 1e-5."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from headstart.runtime.heads.adapt import METRICS, adapt
from headstart.runtime.heads.arrays import Array
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.episodes.tensors import Episodes, FusedRows
from headstart.training.learners.lda import Lda
from headstart.training.learners.learner import Learner
from headstart.training.learners.linear import Linear, fit_softmax_regression
from headstart.training.learners.matching import Matching, match
from headstart.training.learners.proto_steps import STEP_LIMIT, ProtoSteps
from headstart.training.learners.prototypical import Prototypical
from headstart.training.learners.ridge import Ridge

STREAMS, DIM = ("image", "sound", "speech"), 19
PATTERNS = [
    ("both", "both"), ("both", "image"), ("both", "audio"), ("image", "image"), ("audio", "audio"),
    ("mixed", "both"), ("mixed", "image"), ("mixed", "mixed"),
]  # fmt: skip

Device = Callable[[Array, Array, Array], Array]
"""Support, one-hot labels and queries in NumPy → scores."""


def draw(table: EmbeddingTable, shots: int, pattern: tuple[str, str], unequal: float) -> Episodes:
    plan = EpisodePlan.model_validate(
        {"ways": [6], "shots": [shots] if not unequal else [1, shots], "unequal": unequal,
         "pairing": "random", "patterns": [pattern]}
    )  # fmt: skip
    batch = EpisodeSampler(table=table, plan=plan, seed=shots).batch(2)
    return FusedRows(table=table, streams=STREAMS).episodes(batch)


def covariance() -> np.ndarray:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(DIM, DIM)).astype(np.float32) / DIM
    return np.asarray(root @ root.T + 0.05 * np.eye(DIM, dtype=np.float32), np.float32)


def both_worlds() -> dict[str, tuple[Learner, float, Device]]:
    """Learner → what trains, what its scores are multiplied by, and what runs on the device."""
    start = LearnedInitialization(
        ridge_penalty=0.2, gradient_scale=5.0, gradient_steps=(0.7, 1.3), lda_prior_rows=20.0
    )
    steps = ProtoSteps(steps=2, scale=5.0)
    with torch.no_grad():
        share = torch.tensor([0.7, 1.3]) / STEP_LIMIT
        steps.raw_steps.copy_(torch.logit(share))
    metric = np.asarray(np.random.default_rng(1).normal(size=(4, DIM)), np.float32)
    learned = Prototypical(DIM, metric="learned", rank=4)
    with torch.no_grad():
        assert learned.transform is not None
        learned.transform.copy_(torch.from_numpy(metric))
    shared = covariance()
    prototypes: dict[str, Learner] = {m: Prototypical(DIM, metric=m) for m in METRICS}
    prototypes["learned"] = learned

    def head(name: str) -> Device:
        return lambda x, hot, q: adapt(name, x, hot, start, metric=metric).score(q)

    return {
        **{
            f"prototype:{m}": (learner, 10.0, head(f"prototype:{m}" if m != "cosine" else m))
            for m, learner in prototypes.items()
            if m != "cosine"
        },
        "prototype": (prototypes["cosine"], 10.0, head("prototype")),
        "ridge": (Ridge(penalty=0.2), 8.0, head("ridge")),
        "proto-steps": (steps, 1.0, head("gradient")),
        "lda": (Lda(prior_rows=20.0), 0.05, head("lda")),
        "lda, measured covariance": (
            Lda(covariance=torch.from_numpy(shared), prior_rows=20.0),
            0.05,
            lambda x, hot, q: adapt("lda", x, hot, start, covariance=shared).score(q),
        ),
        "matching": (Matching(), 1.0, lambda x, hot, q: match(x, hot, q, 10.0)),
        "linear": (Linear(), 1.0, lambda x, hot, q: fit_softmax_regression(x, hot).score(q)),
    }


@pytest.mark.parametrize("pattern", PATTERNS, ids=["-".join(p) for p in PATTERNS])
@pytest.mark.parametrize(("shots", "unequal"), [(1, 0), (2, 0), (5, 0), (4, 1)])
@pytest.mark.parametrize("name", list(both_worlds()))
def test_numpy_and_torch_say_the_same(
    toy_table: EmbeddingTable, name: str, shots: int, unequal: float, pattern: tuple[str, str]
) -> None:
    learner, scale, device = both_worlds()[name]
    episodes = draw(toy_table, shots, pattern, unequal)

    with torch.no_grad():
        trained = learner(episodes).numpy() / scale

    for number in range(len(episodes)):
        support, hot, queries = (
            getattr(episodes, part)[number].numpy() for part in ("support", "hot", "queries")
        )
        expected = device(support, hot, queries)
        assert isinstance(expected, np.ndarray) and np.isfinite(expected).all()
        # Relative to the largest score: log-likelihoods are not of order 1.
        size = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(trained[number] / size, expected / size, atol=1e-5)
        assert np.ptp(expected) > 1e-3, "scores that are all the same would prove nothing"
