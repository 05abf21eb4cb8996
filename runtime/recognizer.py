"""The product in one object: enrol, recognise, forget."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.embedding.embedder import Embedder, Role
from headstart.runtime.embedding.embedding import Embedding
from headstart.runtime.encoders.choose import Choice
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.encoders.serving import Serving, open_serving
from headstart.runtime.engines.upgrade import EngineUpgrade
from headstart.runtime.errors import ConfigError, EnrolmentError, HeadstartError
from headstart.runtime.fusion.spaces import open_spaces, place
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.gallery.location import default_gallery_path
from headstart.runtime.gallery.records import ClassRecord, Receipt
from headstart.runtime.heads.adapt import check_head
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.recognition.answer import Answer, unknown_because
from headstart.runtime.recognition.enrolled import EnrolledSamples
from headstart.runtime.recognition.model import AdaptedModel
from headstart.runtime.sample import Sample
from headstart.runtime.sources.folder import read_samples

_log = logging.getLogger(__name__)

FALSE_ACCEPT_SHARE = 0.05
"""Share of unknown samples that may be accepted where nobody asks for another one."""


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What came of one enrolment.

    Args:
        record: the class as it is now.
        added: how many samples were added.
        failures: what gave no sample, with the reason.
    """

    record: ClassRecord
    added: int
    failures: tuple[tuple[str, HeadstartError], ...]


class Recognizer:
    """Enrols and recognises with one bundle and one gallery.

    Not for several threads at once. Other processes may change the gallery meanwhile: the next
    answer takes it into account.
    """

    def __init__(
        self,
        bundle: Bundle,
        embedder: Embedder,
        gallery: Gallery,
        *,
        head: str = "auto",
        false_accept_share: float = FALSE_ACCEPT_SHARE,
    ) -> None:
        """Put opened parts together; `open` is the usual way. The recogniser closes them.

        Raises:
            ConfigError: no such head, or a share that is not between 0 and 1.
            ArtifactError: the bundle's head file does not fit.
        """
        if not 0.0 < false_accept_share < 1.0:
            raise ConfigError(
                f"the false-accept share came as {false_accept_share!r}; expected a share between"
                " 0 and 1, such as 0.05"
            )
        self.bundle = bundle
        self.gallery = gallery
        self.embedder = embedder
        self._head = check_head(head)
        self._share = false_accept_share
        self.start = LearnedInitialization.from_tensors(bundle.head)
        self.spaces = open_spaces(bundle.manifest.streams, self.start, embedder.streams)
        self._enrolled = EnrolledSamples(self.spaces)
        self.choice: Choice | None = None
        self.upgrade: EngineUpgrade | None = None
        self._model: AdaptedModel | None = None
        self._fitted_version = -1

    @classmethod
    def open(
        cls,
        bundle: str | Path | None = None,
        gallery: str | Path | None = None,
        *,
        streams: Sequence[str] | None = None,
        head: str = "auto",
        false_accept_share: float = FALSE_ACCEPT_SHARE,
        threads: int | None = None,
        read_only: bool = False,
        backend: str = "onnxruntime",
    ) -> Recognizer:
        """Open a recogniser.

        Args:
            bundle: folder or ``.zip``; None is the starter bundle that is installed with headstart.
            gallery: SQLite file, made if it is missing; None is in the user's data folder.
            streams: which of the bundle's streams to use; None is all.
            head: how to adapt, see ``headstart eval --help``.
            false_accept_share: at most this share of unknown samples should be accepted, 0…1.
            threads: for the encoders; None leaves it to the backend.
            read_only: never change the gallery, which then has to exist.
            backend: ``onnxruntime`` (the CPU), ``cuda``, ``tensorrt``, or ``auto``: the fastest
                that works here, with engines built meanwhile where TensorRT is there and they are
                not. ``choice`` says what was taken and why.

        Raises:
            ArtifactError: bundle or gallery is missing, damaged, newer or not ours.
            BackendError: an encoder cannot be loaded.
            ConfigError: no such stream or head, or an impossible share.
        """
        opened = load_bundle(None if bundle is None else Path(bundle))
        _check_streams(streams, opened)
        path = default_gallery_path() if gallery is None else Path(gallery)
        with ExitStack() as parts:
            used = list(opened.manifest.streams) if streams is None else streams
            serving = _serve(
                backend, opened, [s for s in opened.manifest.streams if s in used], threads
            )
            embedder = parts.enter_context(Embedder(opened.manifest.streams, serving.encoders))
            recognizer = cls(
                opened,
                embedder,
                parts.enter_context(Gallery.open(path, read_only=read_only)),
                head=head,
                false_accept_share=false_accept_share,
            )
            parts.pop_all()
        recognizer.choice = serving.choice
        recognizer.upgrade = serving.upgrade
        return recognizer

    def enroll(
        self,
        name: str,
        samples: Iterable[Sample | str | Path],
        *,
        shots: int = 1,
    ) -> Enrolment:
        """Teach ``name`` from samples or from files; samples are added if it is known already.

        Args:
            name: what people call it.
            samples: samples, or paths of pictures, sounds, videos and folders of them. Files of
                one folder that share a stem are one sample.
            shots: samples to take from each video.

        Raises:
            CaptureError: a path is missing or no kind of media; the gallery is as it was.
            EnrolmentError: the name cannot be used, or nothing usable was given; the gallery is
                then as it was.
            ConfigError: ``shots`` below 1, or one sample or path instead of several.
            ArtifactError: the gallery holds embeddings of other encoders, or cannot be written.
        """
        embeddings, failures = self._embed(samples, shots, "support")
        if not embeddings:
            raise EnrolmentError(f"no usable sample for {name!r}: {_reasons(failures)}")
        record = self.gallery.enroll(name, embeddings, self._hashes_of(embeddings))
        return Enrolment(record=record, added=len(embeddings), failures=tuple(failures))

    def add_background(self, samples: Iterable[Sample | str | Path], *, shots: int = 1) -> int:
        """Remember what else is to be seen and heard here, so that it is answered with "unknown".

        What gives no sample is logged as a warning and left out.

        Returns:
            How many samples were added; each that shares no group counts as one distinct thing.

        Raises:
            CaptureError: a path is missing or no kind of media.
            EnrolmentError: nothing usable was given.
            ConfigError: ``shots`` below 1, or one sample or path instead of several.
            ArtifactError: the gallery cannot be written.
        """
        embeddings, failures = self._embed(samples, shots, "query")
        if not embeddings:
            raise EnrolmentError(f"no usable background sample: {_reasons(failures)}")
        for source, error in failures:
            _log.warning("left out of the background: %s: %s", source, error)
        self.gallery.add_background(embeddings, self._hashes_of(embeddings))
        return len(embeddings)

    def recognize(self, sample: Sample) -> Answer:
        """Say which enrolled class the sample shows, or that it is unknown.

        A sample of which no stream in use encodes anything is unknown with that reason: a lens is
        covered, a room is silent, or of a camera and a microphone only one has begun.

        Raises:
            ArtifactError: the gallery cannot be read or holds embeddings of other encoders.
            BackendError: an encoder failed.
        """
        try:
            embedding = self.embedder.embed(sample, "query")
        except EnrolmentError as error:
            return unknown_because(str(error))
        return self.answer(embedding)

    def answer(self, embedding: Embedding) -> Answer:
        """Answer a query that is already embedded.

        Raises:
            EnrolmentError: it holds none of the streams in use.
        """
        placed = place(embedding.streams, self.spaces)
        if placed is None:
            raise EnrolmentError(
                f"the query holds only {', '.join(embedding.streams)}; expected some of"
                f" {', '.join(self.dims)}: open the recogniser with those streams"
            )
        return self.model().answer(placed)

    def model(self) -> AdaptedModel:
        """The model fitted to the gallery as it is now."""
        version = self.gallery.version
        if self._model is None or version != self._fitted_version:
            snapshot = self.gallery.support(self.embedder.hashes)
            self._model = AdaptedModel(
                self._enrolled.support(snapshot),
                self.dims,
                self.start,
                head=self._head,
                false_accept_share=self._share,
            )
            self._model.prepare()
            self._fitted_version = snapshot.version
        return self._model

    @property
    def dims(self) -> dict[str, int]:
        """Stream → dimension, in the order of the fused axes."""
        return {stream: space.mean.shape[0] for stream, space in self.spaces.items()}

    def classes(self) -> tuple[ClassRecord, ...]:
        """What is enrolled, in the order of enrolment."""
        return self.gallery.classes()

    def rename(self, old: str, new: str) -> Receipt:
        """Give a class another name.

        Raises:
            EnrolmentError: there is no such class, or the new name is taken or not usable.
        """
        return self.gallery.rename(old, new)

    def forget(self, name: str) -> Receipt:
        """Forget a class exactly: everything is as if it had never been enrolled.

        Raises:
            EnrolmentError: there is no such class.
        """
        return self.gallery.forget(name)

    def close(self) -> None:
        """Free encoders and gallery; safe to call twice."""
        if self.upgrade is not None:
            self.upgrade.close()
        self.embedder.close()
        self.gallery.close()

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _embed(
        self, samples: Iterable[Sample | str | Path], shots: int, role: Role
    ) -> tuple[list[Embedding], list[tuple[str, HeadstartError]]]:
        given, failures = _read(samples, shots)
        embeddings: list[Embedding] = []
        for sample in given:
            try:
                embeddings.append(self.embedder.embed(sample, role))
            except EnrolmentError as error:
                failures.append((sample.source, error))
        return embeddings, failures

    def _hashes_of(self, embeddings: Sequence[Embedding]) -> dict[str, str]:
        used = {stream for embedding in embeddings for stream in embedding.streams}
        return {s: sha256 for s, sha256 in self.embedder.hashes.items() if s in used}


def _serve(backend: str, bundle: Bundle, streams: Sequence[str], threads: int | None) -> Serving:
    """Open the encoders; the default backend without looking at what else this machine has."""
    if backend == "onnxruntime":
        return Serving(
            encoders=open_encoders(bundle, streams, threads),
            choice=Choice(backend="onnxruntime", reason="the CPU was asked for"),
            upgrade=None,
        )
    return open_serving(backend, bundle, streams, threads=threads)


def _check_streams(streams: Sequence[str] | None, bundle: Bundle) -> None:
    known = list(bundle.manifest.streams)
    wrong = [stream for stream in streams or () if stream not in known]
    if wrong or (streams is not None and not streams):
        raise ConfigError(
            f"streams {wrong or '(none)'} were asked for; expected some of: {', '.join(known)}"
        )


def _reasons(failures: Sequence[tuple[str, HeadstartError]]) -> str:
    return "; ".join(str(error) for _, error in failures) or "nothing was given"


def _read(
    samples: Iterable[Sample | str | Path], shots: int
) -> tuple[list[Sample], list[tuple[str, HeadstartError]]]:
    if isinstance(samples, (str, Path, Sample)):
        # A string is a row of one-letter paths, which is never what was meant.
        raise ConfigError(
            f"samples came as one {type(samples).__name__}; expected several: give a list, [sample]"
        )
    given = list(samples)
    paths = [item for item in given if not isinstance(item, Sample)]
    ready = [item for item in given if isinstance(item, Sample)]
    if not paths:
        return ready, []
    reading = read_samples(paths, shots=shots)
    return ready + list(reading.samples), [(str(path), error) for path, error in reading.failures]
