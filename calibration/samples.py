"""What an encoder is calibrated on: prepared inputs from a folder, and the reader that feeds them.

Representative samples are what the device will see: a folder of its own pictures and sounds, such
as `DATA/<class>/<stem>.<ext>` or one folder of media. Thirty to a hundred are enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization.calibrate import CalibrationDataReader

from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.errors import CaptureError, ShapeError
from headstart.runtime.sources.folder import MediaItem, items_in, read_sample, scan

Inputs = Mapping[str, NDArray[Any]]
"""Stream → prepared inputs ``(items, *input_shape)``."""

ITEMS = 64
"""Samples of each modality that are used: 256 gave no better flavours (measured)."""
LEAST = 16
"""Fewer samples than this give ranges that the next picture leaves."""


def calibration_items(folder: Path, count: int = ITEMS) -> list[MediaItem]:
    """At most ``count`` samples that hold a picture and as many that hold sound.

    They are spread over the class folders: every class gives its first before any its second.

    Raises:
        CaptureError: the folder is missing or holds no media.
    """
    nested = folder.is_dir() and any(
        child.is_dir() and not child.name.startswith(".") for child in folder.iterdir()
    )
    items = scan(folder) if nested else items_in(folder)
    chosen: dict[str, MediaItem] = {}
    for wanted in ("image", "audio"):
        having = [item for item in items if item.video or getattr(item, wanted)]
        chosen.update({str(item.paths[0]): item for item in _spread(having, count)})
    return list(chosen.values())


def calibration_inputs(
    folder: Path, embedder: Embedder, *, count: int = ITEMS, least: int = LEAST
) -> dict[str, NDArray[Any]]:
    """Read, cut and resize the folder's samples as the device does.

    Returns:
        Stream → inputs ``(items, *input_shape)``: of each sample the view that weighs most.

    Raises:
        CaptureError: a file cannot be read, or a stream would get fewer than ``least`` samples.
            Wrong ranges are worse than none, so nothing is skipped.
    """
    ready: dict[str, list[NDArray[Any]]] = {stream: [] for stream in embedder.streams}
    for item in calibration_items(folder, count):
        try:
            sample = read_sample(item)
        except CaptureError as error:
            raise CaptureError(
                f"calibration stops at {item.paths[0]} ({error}); expected only whole media:"
                " remove the file or get it again"
            ) from error
        for stream, (batch, weights) in embedder.inputs(sample, "query").items():
            ready[stream].append(batch[int(weights.argmax())])
    for stream, inputs in ready.items():
        if len(inputs) < least:
            raise CaptureError(
                f"{folder} holds {len(inputs)} samples for the {stream} encoder; expected at least"
                f" {least}: add pictures or sounds of what the device will meet"
            )
    return {stream: np.stack(inputs) for stream, inputs in ready.items()}


class BatchReader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds ONNX Runtime's calibrators in batches, once.

    Its caller takes None for the end of the data, so a bad batch must never look like one: it
    raises.

    Args:
        name: the model's input.
        inputs: ``(items, *input_shape)``.
        batch_items: how many go together.
    """

    def __init__(self, name: str, inputs: NDArray[Any], batch_items: int = 8) -> None:
        self.asked = -(-len(inputs) // batch_items)
        self.used = 0
        self._name = name
        self._shape, self._dtype = inputs.shape[1:], inputs.dtype
        self._batches = iter(
            [inputs[at : at + batch_items] for at in range(0, len(inputs), batch_items)]
        )

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The next batch by the input's name; None once all were given.

        Raises:
            ShapeError: the batch is not as the others, or holds NaN or infinity.
        """
        batch = next(self._batches, None)
        if batch is None:
            return None
        if batch.shape[1:] != self._shape or batch.dtype != self._dtype or not len(batch):
            raise ShapeError(
                f"calibration batch {self.used} of {self.asked} is {batch.dtype} {batch.shape};"
                f" expected {self._dtype} {('batch', *self._shape)}"
            )
        check_finite(batch, f"calibration batch {self.used} of {self.asked}")
        self.used += 1
        return {self._name: batch}

    def check_used(self) -> None:
        """Refuse ranges from only a part of the data.

        Raises:
            ShapeError: fewer batches were taken than there are.
        """
        if self.used != self.asked:
            raise ShapeError(
                f"the calibrator took {self.used} of {self.asked} batches; expected all of them"
            )


def check_finite(batch: NDArray[Any], what: str) -> None:
    """Refuse NaN and infinity, which would become ranges.

    Raises:
        ShapeError: there is one; ``what`` names the batch.
    """
    if batch.dtype.kind == "f" and not np.isfinite(batch).all():
        raise ShapeError(
            f"{what} ({batch.dtype} {batch.shape}) holds NaN or infinity; expected finite numbers:"
            " look at the samples it was made from"
        )


def _spread(items: Sequence[MediaItem], count: int) -> list[MediaItem]:
    """The first of every class, then the second of every class, until there are ``count``.

    Of more classes than that, evenly many over their names, each with another of its samples: the
    first ones of all classes may have been taken alike (measured: with clean first takes alone, a
    sound model lost 2.2 points instead of 0.1).
    """
    classes: dict[str, list[MediaItem]] = {}
    for item in items:
        # Files without a class folder are a class each.
        classes.setdefault(item.label or item.stem, []).append(item)
    groups = list(classes.values())
    if len(groups) > count:
        at = np.linspace(0, len(groups) - 1, count).round().astype(int)
        return [groups[i][turn % len(groups[i])] for turn, i in enumerate(at)]
    rounds = zip_longest(*groups)
    return [item for turn in rounds for item in turn if item is not None][:count]
