from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.bundle.manifest import (
    AudioWindows,
    ImageViews,
    Provenance,
    StreamEntry,
    TensorEntry,
)
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.protocol import EncoderSpec
from headstart.runtime.errors import BackendError, CaptureError
from headstart.training.sources import embedded as module
from headstart.training.sources.cache import Cache
from headstart.training.sources.embedded import Embedded, Scenery, embed_items, merged
from headstart.training.sources.item import Item


class MeanEncoder:
    """Two numbers of an input: its mean and its largest value. Counts its calls."""

    def __init__(self, stream: str, shape: tuple[int, ...], dtype: str, sha256: str) -> None:
        self.spec = EncoderSpec(
            stream=stream,
            modality="image" if stream == "image" else "audio",
            input_shape=shape,
            input_dtype=dtype,
            dim=2,
            sha256=sha256,
        )
        self.calls = 0
        self.fails_at = -1

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        self.calls += 1
        if self.calls == self.fails_at:
            raise BackendError("the power went out")
        flat = batch.reshape(len(batch), -1).astype(np.float32)
        return np.stack([flat.mean(1), flat.max(1)], 1)

    def close(self) -> None:
        pass


def entry(modality: str, views: ImageViews | AudioWindows) -> StreamEntry:
    tensor = TensorEntry(name="x", dtype="float32", shape=("batch", 2), unit="raw")
    return StreamEntry(
        modality=modality,
        models={"fp32": "x.onnx"},
        input=tensor,
        output=tensor,
        views=views,
        provenance=Provenance(what="test", source="test", licence="CC0-1.0"),
    )


class Bench:
    """An embedder with two tiny encoders, and what it needs."""

    def __init__(self, sha256: str = "0" * 64) -> None:
        self.image = MeanEncoder("image", (8, 8, 3), "uint8", sha256)
        self.sound = MeanEncoder("sound", (16_000,), "float32", sha256)
        windows = AudioWindows(window_s=1.0, placement="spread", count=3, pool="energy")
        self.embedder = Embedder(
            {
                "image": entry("image", ImageViews(support=("full", "flip"), query=("full",))),
                "sound": entry("audio", windows),
            },
            {"image": self.image, "sound": self.sound},
        )
        self.scenery = Scenery(backgrounds=[np.full((20, 20, 3), 50, np.uint8)], noises=[])

    def run(self, items: Sequence[Item], root: Path, **options: Any) -> Embedded:
        conditions = {"image": ("good",), "audio": ("clean", "mild")}
        return embed_items(
            "test", items, conditions, self.embedder, self.scenery, Cache(root=root), **options
        )


def item(key: str, origin: Any, modality: str = "audio") -> Item:
    return Item(
        key=key,
        origin=origin,
        modality=modality,
        class_name=key[0],
        variant="v",
        kind="sound",
        source="test",
        licence="CC0-1.0",
    )


def sound(level: float, seconds: float = 2.0) -> Callable[[], NDArray[np.float32]]:
    """A square wave at 4 kHz: its mean is 0 and its peak and RMS are the level."""
    wave = np.tile(np.array([level, level, -level, -level], np.float32), int(4_000 * seconds))
    return lambda: wave


def picture() -> NDArray[Any]:
    steps: NDArray[Any] = np.indices((30, 30)).sum(0)
    return steps[..., None].repeat(3, 2).astype(np.uint8)


def unreadable() -> NDArray[Any]:
    raise CaptureError("cannot be decoded")


ITEMS = [
    item("a1", sound(0.25)),
    item("b1", unreadable),
    item("c1", picture, "image"),
    item("d1", sound(0.5, 0.5)),
]


def test_rows_hold_the_embedders_raw_views_and_the_items_facts(tmp_path: Path) -> None:
    found = Bench().run(ITEMS, tmp_path)
    assert found.facts["key"].tolist() == ["a1", "a1", "c1", "d1", "d1"]
    assert found.facts["condition"].tolist() == ["clean", "mild", "good", "clean", "mild"]
    assert found.rows("sound").tolist() == [0, 1, 3, 4]
    assert found.rows("image").tolist() == [2]
    start, end = found.offsets["sound"][:2]
    assert found.vectors["sound"][start:end].tolist() == [[0.0, 0.25]] * 3
    np.testing.assert_allclose(found.weights["sound"][start:end], 0.5)
    assert [(s.key, s.reason) for s in found.skipped] == [("b1", "cannot be decoded")]


def test_a_second_run_encodes_nothing_and_gives_the_same(tmp_path: Path) -> None:
    first = Bench().run(ITEMS, tmp_path)
    bench = Bench()
    second = bench.run(ITEMS, tmp_path)
    assert bench.sound.calls == bench.image.calls == 0
    for stream in first.vectors:
        assert np.array_equal(first.vectors[stream], second.vectors[stream])
    assert second.skipped == first.skipped


def test_other_encoders_items_or_conditions_have_their_own_cache(tmp_path: Path) -> None:
    Bench().run(ITEMS, tmp_path)
    for bench, items in ((Bench("1" * 64), ITEMS), (Bench(), ITEMS[:1])):
        bench.run(items, tmp_path)
        assert bench.sound.calls > 0


def test_an_interrupted_run_goes_on_after_the_last_whole_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARD_ITEMS", 2)
    items = [item(f"{name}1", sound(0.1)) for name in "abcdef"]
    whole = Bench().run(items, tmp_path / "whole")
    broken = Bench()
    broken.sound.fails_at = 7
    with pytest.raises(BackendError, match="power"):
        broken.run(items, tmp_path / "cache")
    advanced: list[int] = []
    bench = Bench()
    resumed = bench.run(items, tmp_path / "cache", advance=advanced.append)
    assert bench.sound.calls == 2 * len(items) - 4
    assert advanced == [2, 2, 2]
    assert np.array_equal(resumed.vectors["sound"], whole.vectors["sound"])
    assert resumed.facts["key"].tolist() == whole.facts["key"].tolist()


def test_what_varies_does_not_depend_on_what_else_is_embedded(tmp_path: Path) -> None:
    alone = Bench().run(ITEMS[3:], tmp_path)
    together = Bench().run(ITEMS, tmp_path)
    row = together.offsets["sound"][4]
    assert np.array_equal(alone.vectors["sound"][-1], together.vectors["sound"][row])


def test_parts_of_different_modalities_merge(tmp_path: Path) -> None:
    bench = Bench()
    pictures, sounds = bench.run(ITEMS[2:3], tmp_path), bench.run(ITEMS[:1], tmp_path)
    both = merged([pictures, sounds])
    assert both.rows("image").tolist() == [0]
    assert both.rows("sound").tolist() == [1, 2]
    assert np.array_equal(both.vectors["sound"], sounds.vectors["sound"])
    assert len(both) == 3
