"""A user's own ``DATA/<class>/<stem>.<ext>`` as a source, read as the device reads it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.runtime.sources.folder import MediaItem, read_sample, scan
from headstart.training.sources.item import Item


def own_folder(path: Path, *, licence: str = "the owner's") -> list[Item]:
    """Every class's pictures and sounds; variant = the sample's stem.

    Files that share a stem are one sample: its picture and its sound carry the same variant. A
    video stands for both; one without sound is skipped, and said, when its sound is read.

    Raises:
        CaptureError: the folder is missing or holds no media.
    """
    return [
        Item(
            key=f"{media.label}/{media.stem}.{modality}",
            origin=functools.partial(_read, media, modality),
            modality=modality,
            class_name=media.label,
            variant=media.stem,
            kind="photo" if modality == "image" else "sound",
            source=f"folder:{path.name}",
            licence=licence,
        )
        for media in scan(path)
        for modality in _modalities(media)
    ]


def _modalities(media: MediaItem) -> list[str]:
    if media.video is not None:
        return ["image", "audio"]
    return [name for name in ("image", "audio") if getattr(media, name) is not None]


def _read(media: MediaItem, modality: str) -> NDArray[Any]:
    sample = read_sample(media)
    if modality == "image" and sample.image is not None:
        return sample.image.pixels
    if modality == "audio" and sample.audio is not None:
        return sample.audio.samples
    raise CaptureError(f"{media.paths[0]} holds no {modality}; expected one: left out")
