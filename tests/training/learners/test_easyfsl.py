"""Prototypical results equal easyfsl's on the same embeddings and episodes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`: make test")

from headstart.runtime.heads.arrays import one_hot
from headstart.runtime.heads.prototype import fit_prototypes
from headstart.training.episodes.plan import EpisodePlan
from headstart.training.episodes.sampling import EpisodeSampler
from headstart.training.episodes.table import EmbeddingTable
from headstart.training.episodes.tensors import FusedRows

if importlib.util.find_spec("easyfsl") is None:
    pytest.skip(
        "easyfsl is not installed; to compare with it: pip install --no-deps easyfsl==1.5.0",
        allow_module_level=True,
    )

# In a process of its own. easyfsl imports torchvision for its networks, which are not used here;
# an empty stand-in spares installing it, and a torchvision built for another torch cannot break it.
_STAND_IN = {
    "torchvision/__init__.py": "",
    "torchvision/models/__init__.py": "",
    "torchvision/models/resnet.py": "BasicBlock = Bottleneck = conv1x1 = conv3x3 = object",
}
_PEER = """
import sys
import numpy as np, torch
from easyfsl.methods import PrototypicalNetworks, SimpleShot

given = np.load(sys.argv[1])
answers = {}
for name, method in (("euclidean", PrototypicalNetworks()), ("cosine", SimpleShot())):
    found = []
    for x, y, q in zip(given["support"], given["labels"], given["queries"]):
        method.process_support_set(torch.from_numpy(x), torch.from_numpy(y))
        found.append(method(torch.from_numpy(q)).numpy())
    answers[name] = np.stack(found)
np.savez(sys.argv[2], **answers)
"""


@pytest.mark.parametrize("shots", [1, 5])
def test_scores_and_answers_are_easyfsl_s(
    toy_table: EmbeddingTable, tmp_path: Path, shots: int
) -> None:
    pictures = toy_table.where(toy_table.modality == "image")
    plan = EpisodePlan(ways=(5,), shots=(shots,), queries=4)
    batch = EpisodeSampler(table=pictures, plan=plan, seed=1).batch(40)
    episodes = FusedRows(table=pictures, streams=("image",)).episodes(batch)
    np.savez(
        tmp_path / "given.npz",
        support=episodes.support.numpy(),
        labels=batch.support_labels,
        queries=episodes.queries.numpy(),
    )
    for name, text in _STAND_IN.items():
        (tmp_path / "stand_in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "stand_in" / name).write_text(text)

    ran = subprocess.run(
        [sys.executable, "-c", _PEER, str(tmp_path / "given.npz"), str(tmp_path / "peer.npz")],
        env={"PYTHONPATH": str(tmp_path / "stand_in"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ran.returncode == 0, ran.stderr
    peer = np.load(tmp_path / "peer.npz")
    for number in range(len(batch)):
        x, queries = episodes.support[number].numpy(), episodes.queries[number].numpy()
        hot = one_hot(batch.support_labels[number], 5, x)
        euclidean = fit_prototypes(x, hot, "euclidean").score(queries)
        # Ours leaves out the |q|² that all classes share, and does not take the root.
        distances = np.sqrt((queries**2).sum(axis=1, keepdims=True) - euclidean)
        np.testing.assert_allclose(distances, -peer["euclidean"][number], atol=1e-4)
        cosine = fit_prototypes(x, hot, "cosine").score(queries)
        np.testing.assert_allclose(cosine, peer["cosine"][number], atol=1e-5)
        assert (euclidean.argmax(axis=1) == peer["euclidean"][number].argmax(axis=1)).all()
    right = peer["cosine"].argmax(axis=-1) == batch.query_labels
    assert 0.4 < right.mean() < 1.0, "episodes that all succeed or fail would prove little"
