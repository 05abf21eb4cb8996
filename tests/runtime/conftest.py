"""What tests of recognition share: the starter's encoders, opened once, and things made in code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.recognizer import Recognizer
from headstart.runtime.sample import AudioClip, Frame, Sample


class MakeRows(Protocol):
    """``rows(seed, count, dim)``: random unit vectors, float32 ``(count, dim)``."""

    def __call__(self, seed: int, count: int, dim: int) -> NDArray[np.float32]: ...


class MakeSample(Protocol):
    """``thing(kind, take, image=True, audio=True)``: one look at one of several things."""

    def __call__(
        self, kind: int, take: int = 0, *, image: bool = True, audio: bool = True, group: str = ""
    ) -> Sample: ...


class OpenRecognizer(Protocol):
    """``recognizer(path, streams=None, …)``: on the shared encoders, closed after the test."""

    def __call__(
        self, path: Path, *, streams: tuple[str, ...] | None = None, **options: Any
    ) -> Recognizer: ...


@pytest.fixture(scope="session")
def torch() -> Any:
    return pytest.importorskip("torch", reason="no torch here; `make test` installs it")


@pytest.fixture(scope="session")
def starter() -> Bundle:
    return load_bundle(None)


@pytest.fixture(scope="session")
def embedder(starter: Bundle) -> Iterator[Embedder]:
    with Embedder(starter.manifest.streams, open_encoders(starter, threads=1)) as opened:
        yield opened


def _rows(seed: int, count: int, dim: int) -> NDArray[np.float32]:
    x = np.random.default_rng(seed).normal(size=(count, dim))
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="session")
def rows() -> MakeRows:
    return _rows


def _picture(kind: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Stripes of a direction, width and colour that belong to the kind, a little moved and lit."""
    row, column = np.mgrid[0:96, 0:128] + rng.integers(0, 12, size=(2, 1, 1))
    angle, width = 0.7 * kind, 5 + 3 * (kind % 4)
    wave = np.sin((row * np.cos(angle) + column * np.sin(angle)) / width)
    colour = np.array([40 + 50 * (kind % 5), 220 - 45 * (kind % 4), 60 * (kind % 3)])
    lit = (0.55 + 0.45 * wave[..., None]) * colour * rng.uniform(0.85, 1.0)
    return np.asarray(np.clip(lit + rng.normal(0, 4, lit.shape), 0, 255), np.uint8)


def _sound(kind: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A second of pulsed harmonics whose pitch and rhythm belong to the kind, with some hiss."""
    time_s = np.arange(16_000) / 16_000
    pitch = 180 * 1.5**kind * rng.uniform(0.99, 1.01)
    tone = sum(np.sin(2 * np.pi * pitch * n * time_s) / n for n in range(1, 2 + kind % 4))
    pulsed = tone * np.exp(-(3 + kind) * (time_s % (0.2 + 0.1 * (kind % 3))))
    return np.asarray(0.2 * pulsed + rng.normal(0, 0.004, time_s.size), np.float32)


def _thing(
    kind: int, take: int = 0, *, image: bool = True, audio: bool = True, group: str = ""
) -> Sample:
    rng = np.random.default_rng([kind, take])
    picture, sound = _picture(kind, rng), _sound(kind, rng)
    return Sample(
        image=Frame(pixels=picture) if image else None,
        audio=AudioClip(samples=sound) if audio else None,
        source=f"thing-{kind}-{take}",
        group=group,
    )


@pytest.fixture(scope="session")
def thing() -> MakeSample:
    return _thing


@pytest.fixture
def recognizer(starter: Bundle, embedder: Embedder) -> Iterator[OpenRecognizer]:
    opened: list[Recognizer] = []

    def open_one(
        path: Path, *, streams: tuple[str, ...] | None = None, **options: Any
    ) -> Recognizer:
        read_only = options.pop("read_only", False)
        used = embedder if streams is None else _SomeStreams(starter, embedder, streams)
        gallery = Gallery.open(path, read_only=read_only)
        opened.append(Recognizer(starter, used, gallery, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.gallery.close()


class _SomeStreams(Embedder):
    """An embedder on some of another's encoders; it leaves them open."""

    def __init__(self, starter: Bundle, whole: Embedder, streams: tuple[str, ...]) -> None:
        chosen = {stream: whole._encoders[stream] for stream in streams}
        super().__init__(starter.manifest.streams, chosen)

    def close(self) -> None:
        """Whoever opened the encoders closes them."""
