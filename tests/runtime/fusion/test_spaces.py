"""From a bundle's settings to spaces, and from embeddings to places in them."""

from __future__ import annotations

import numpy as np
import pytest

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.errors import ShapeError
from headstart.runtime.fusion.calibrated import CalibratedSpace
from headstart.runtime.fusion.spaces import Spaces, as_stored, open_spaces, place
from headstart.runtime.heads.initialization import LearnedInitialization

SPACES = Spaces(
    {
        "image": CalibratedSpace(mean=np.zeros(2, np.float32)),
        "sound": CalibratedSpace(mean=np.zeros(2, np.float32), pool="energy"),
    }
)


def _views(*vectors: list[float]) -> StreamViews:
    return StreamViews(
        vectors=np.array(vectors, np.float32), weights=np.ones(len(vectors), np.float32)
    )


def test_the_starter_bundle_s_spaces_follow_its_manifest(starter: Bundle) -> None:
    start = LearnedInitialization.from_tensors(starter.head)
    spaces = open_spaces(starter.manifest.streams, start, ("image", "sound", "speech"))
    found = {s: (p.pool, p.power, p.mean.shape) for s, p in spaces.items()}
    assert found == {
        "image": ("separate", 1.0, (1280,)),
        "sound": ("energy", 0.5, (1024,)),
        "speech": ("mean", 1.0, (96,)),
    }


def test_only_the_streams_in_use_are_opened(starter: Bundle) -> None:
    start = LearnedInitialization.from_tensors(starter.head)
    assert list(open_spaces(starter.manifest.streams, start, ("speech",))) == ["speech"]


def test_every_stream_is_placed_in_its_own_space_and_trusted_alike() -> None:
    placed = place({"sound": _views([0, 2], [2, 0]), "image": _views([3, 4], [1, 0])}, SPACES)
    assert placed is not None
    assert list(placed.points) == ["image", "sound"]
    expected = {"image": [0.6, 0.8, 1, 0], "sound": [0.5**0.5, 0.5**0.5]}
    for stream, z in placed.points.items():
        assert z.ravel().tolist() == pytest.approx(expected[stream])
    assert placed.shares() == {"image": 0.5, "sound": 0.5}


def test_streams_without_a_space_are_left_out() -> None:
    placed = place({"image": _views([3, 4]), "thermal": _views([1, 1])}, SPACES)
    assert placed is not None and list(placed.points) == ["image"]
    assert place({"thermal": _views([1, 1])}, SPACES) is None


def test_stored_embeddings_are_rounded_to_half_precision() -> None:
    embedding = Embedding(streams={"image": _views([1.0, 0.1])})
    (views,) = as_stored(embedding).values()
    assert views.vectors.dtype == np.float32
    assert views.vectors.tolist() == [[1.0, float(np.float16(0.1))]]


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_what_half_precision_cannot_hold_is_refused() -> None:
    with pytest.raises(ShapeError, match="NaN, infinite"):
        as_stored(Embedding(streams={"image": _views([1e6, 0.0])}))
