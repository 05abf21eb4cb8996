"""How far a stream is trusted: by hand, on torch as on NumPy, and on real sounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.fusion.trust import MOST, TrustNetwork, read_trust, trust_of
from headstart.runtime.heads.initialization import LearnedInitialization

DIMS = {"image": 2, "sound": 2, "speech": 1}


def _network(out: list[list[float]], bias: list[float]) -> TrustNetwork:
    """Two hidden units: the first counts sound's first number, the second speech's."""
    return TrustNetwork(
        streams=("sound", "speech"),
        hidden=np.array([[1, 0, 0], [0, 0, 1]], np.float32),
        hidden_bias=np.zeros(2, np.float32),
        out=np.array(out, np.float32),
        out_bias=np.array(bias, np.float32),
    )


def test_shares_sum_to_the_trust_in_the_modality() -> None:
    network = _network([[2, 0], [0, 2], [0, 0]], [0, 0, 0.5])
    judged = np.exp(network.judge(np.array([[0.8, 0.6, 0.3]], np.float32)))
    share = np.exp(1.6) / (np.exp(1.6) + np.exp(0.6))
    assert judged[0].tolist() == pytest.approx(
        [np.exp(0.5) * share, np.exp(0.5) * (1 - share)], rel=1e-5
    )


def test_nothing_is_silenced_wholly() -> None:
    network = _network([[1e6, 0], [0, 0], [0, 0]], [0, 0, 0])
    judged = network.judge(np.array([[1, 0, 0]], np.float32))
    assert judged[0].tolist() == [0.0, -MOST]


def test_a_network_that_knows_nothing_trusts_all_streams_of_a_modality_alike() -> None:
    network = _network([[0, 0], [0, 0], [0, 0]], [0, 0, 0])
    weights = trust_of(
        {"sound": np.ones((3, 2), np.float32), "speech": np.ones((1, 1), np.float32)},
        DIMS,
        {"audio": network},
    )
    assert weights == pytest.approx({"sound": 0.5, "speech": 0.5})


def test_a_modality_without_a_network_is_trusted_as_it_is() -> None:
    assert trust_of({"image": np.ones((1, 2), np.float32)}, DIMS, {}) == {"image": 1.0}


def test_a_stream_that_is_not_in_use_counts_as_absent() -> None:
    network = _network([[2, 0], [0, 2], [0, 0]], [0, 0, 0])
    alone = trust_of({"speech": np.ones((1, 1), np.float32)}, DIMS, {"audio": network})
    assert list(alone) == ["speech"] and alone["speech"] > 0


def test_only_the_first_point_counts_as_in_a_live_query() -> None:
    network = _network([[2, 0], [0, 2], [0, 0]], [0, 0, 0])
    first = np.array([[0.5, 0.5]], np.float32)
    more = np.concatenate([first, -first])
    assert trust_of({"sound": first}, DIMS, {"audio": network}) == trust_of(
        {"sound": more}, DIMS, {"audio": network}
    )


def test_torch_judges_as_numpy_does_and_gradients_flow(torch: Any) -> None:
    rng = np.random.default_rng(0)
    shapes = {"hidden": (4, 6), "hidden_bias": (4,), "out": (3, 4), "out_bias": (3,)}
    parts = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    points = rng.standard_normal((5, 6)).astype(np.float32)
    there = TrustNetwork(streams=("sound", "speech"), **parts).judge(points)
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in parts.items()}
    here = TrustNetwork(streams=("sound", "speech"), **tensors).judge(torch.tensor(points))
    np.testing.assert_allclose(here.detach().numpy(), there, atol=1e-5)
    here.sum().backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in tensors.values())


def test_the_starter_bundle_judges_every_modality(starter: Bundle) -> None:
    start = LearnedInitialization.from_tensors(starter.head)
    streams = {"image": ("image",), "audio": ("sound", "speech")}
    networks = read_trust(start.trust, streams)
    assert {name: network.streams for name, network in networks.items()} == streams
    assert networks["audio"].hidden.shape[1] == 1024 + 96
