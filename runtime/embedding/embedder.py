"""From a sample to its raw embedding: cut, encode, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.bundle.manifest import ImageViews, StreamEntry
from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.embedding.views import image_views
from headstart.runtime.embedding.windows import audio_windows
from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.errors import EnrolmentError
from headstart.runtime.sample import Sample
from headstart.runtime.sources.quality import NOTHING, is_flat, is_silent

Role = Literal["support", "query"]
"""Support samples are encoded in more views than live queries: enrolment can take its time."""


class Embedder:
    """Encodes samples with a bundle's encoders, each stream as its view plan says.

    Not for use by several threads at once.
    """

    def __init__(self, streams: Mapping[str, StreamEntry], encoders: Mapping[str, Encoder]) -> None:
        """Use ``encoders`` (by stream name) with the plans of the manifest's ``streams``."""
        self._plans = {name: streams[name] for name in encoders}
        self._encoders = dict(encoders)

    @property
    def hashes(self) -> dict[str, str]:
        """Stream → sha256 of its encoder: embeddings of different encoders never meet."""
        return {name: encoder.spec.sha256 for name, encoder in self._encoders.items()}

    @property
    def fingerprints(self) -> dict[str, str]:
        """Stream → all that its raw embeddings depend on: view plan and encoder, as text."""
        return {
            name: f"{self._plans[name].views.model_dump_json()} {sha256}"
            for name, sha256 in self.hashes.items()
        }

    @property
    def modalities(self) -> dict[str, str]:
        """Stream → the modality that feeds it."""
        return {name: plan.modality for name, plan in self._plans.items()}

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that are encoded, in the manifest's order."""
        return tuple(self._encoders)

    def inputs(self, sample: Sample, role: Role) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
        """The encoders' ready inputs: stream → batch and pooling weights ``(views,)``.

        Streams whose modality the sample does not hold, or in which there is nothing to see or
        hear (a covered lens, a muted microphone), are absent: they would only mislead.
        """
        ready: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
        for name, encoder in self._encoders.items():
            plan, spec = self._plans[name].views, encoder.spec
            if isinstance(plan, ImageViews):
                if sample.image is not None:
                    names = plan.support if role == "support" else plan.query
                    views = image_views(sample.image.pixels, names, spec.input_shape[0])
                    if not is_flat(views[0]):
                        ready[name] = views, np.ones(len(names), np.float32)
            elif sample.audio is not None and not is_silent(sample.audio):
                ready[name] = audio_windows(sample.audio.samples, plan)
        return ready

    def embed(self, sample: Sample, role: Role) -> Embedding:
        """Encode one sample.

        Raises:
            EnrolmentError: none of the sample's modalities has an encoder here, or there is
                nothing in them to see or hear.
            BackendError: an encoder failed.
        """
        streams = {
            name: StreamViews(vectors=self._encoders[name].encode(batch), weights=weights)
            for name, (batch, weights) in self.inputs(sample, role).items()
        }
        if not streams and {*sample.modalities} & {*self.modalities.values()}:
            raise EnrolmentError(
                f"{sample.source or 'the sample'}: {NOTHING}; expected a picture that is not one"
                " even surface, or a sound that is not silent: check lens and microphone"
            )
        if not streams:
            raise EnrolmentError(
                f"{sample.source or 'the sample'} holds only {', '.join(sample.modalities)}, which"
                f" none of the streams in use ({', '.join(self._encoders)}) encodes: show it with"
                " another modality or use other streams"
            )
        return Embedding(
            streams=streams, time_s=sample.time_s, source=sample.source, group=sample.group
        )

    def close(self) -> None:
        """Free all encoders; safe to call twice."""
        for encoder in self._encoders.values():
            encoder.close()

    def __enter__(self) -> Embedder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
