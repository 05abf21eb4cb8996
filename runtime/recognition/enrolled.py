"""From a gallery's snapshot to a support: the way from storage to adaptation."""

from __future__ import annotations

import numpy as np

from headstart.runtime.fusion.late import Placed
from headstart.runtime.fusion.spaces import Spaces, place
from headstart.runtime.gallery.records import GallerySnapshot, SampleRecord
from headstart.runtime.recognition.support import Support, number_things


class EnrolledSamples:
    """Turns snapshots into supports; a sample is placed in its spaces once, not at every change."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._placed: dict[int, Placed | None] = {}

    def support(self, snapshot: GallerySnapshot) -> Support:
        """The support in ``snapshot``; samples without any stream in use are left out."""
        known = {sample.id: self._place(sample) for sample in snapshot.samples}
        self._placed = known
        position = snapshot.class_position()
        samples, positions, bursts = [], [], []
        background, groups = [], []
        for sample in snapshot.samples:
            placed = known[sample.id]
            if placed is None:
                continue
            if sample.role == "support" and sample.class_id is not None:
                samples.append(placed)
                positions.append(position[sample.class_id])
                bursts.append(sample.group)
            elif sample.role == "background":
                background.append(placed)
                groups.append(sample.group)
        present, labels = np.unique(np.array(positions, np.int64), return_inverse=True)
        return Support(
            names=tuple(snapshot.classes[at].name for at in present),
            samples=tuple(samples),
            labels=labels.astype(np.int64),
            background=tuple(background),
            things=number_things(groups),
            looks=number_things(bursts),
        )

    def _place(self, sample: SampleRecord) -> Placed | None:
        if sample.id in self._placed:
            return self._placed[sample.id]
        return place(sample.embedding.streams, self._spaces)
