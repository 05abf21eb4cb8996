"""From a gallery's snapshot to a support: the way from storage to adaptation."""

from __future__ import annotations

import numpy as np

from headstart.runtime.fusion.late import Points
from headstart.runtime.fusion.spaces import Spaces, place
from headstart.runtime.gallery.records import GallerySnapshot, SampleRecord
from headstart.runtime.recognition.support import Support, number_things


class EnrolledSamples:
    """Turns snapshots into supports; a sample is placed in its spaces once, not at every change."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._placed: dict[int, Points] = {}

    def support(self, snapshot: GallerySnapshot) -> Support:
        """The support in ``snapshot``; samples without any stream in use are left out."""
        placed = {sample.id: self._place(sample) for sample in snapshot.samples}
        self._placed = placed
        position = snapshot.class_position()
        shown = [s for s in snapshot.samples if s.role == "support" and placed[s.id]]
        present = sorted({position[s.class_id] for s in shown if s.class_id is not None})
        renumber = {old: new for new, old in enumerate(present)}
        background = [s for s in snapshot.samples if s.role == "background" and placed[s.id]]
        return Support(
            names=tuple(snapshot.classes[old].name for old in present),
            samples=tuple(placed[s.id] for s in shown),
            labels=np.array(
                [renumber[position[s.class_id]] for s in shown if s.class_id is not None], np.int64
            ),
            background=tuple(placed[s.id] for s in background),
            things=number_things([s.group for s in background]),
        )

    def _place(self, sample: SampleRecord) -> Points:
        known = self._placed.get(sample.id)
        return place(sample.embedding.streams, self._spaces) if known is None else known
