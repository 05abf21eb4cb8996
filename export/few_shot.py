"""Few-shot results of a candidate encoder beside its reference's, on the same episodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headstart.export.gate_set import Encoded
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.embedding.embedding import StreamViews
from headstart.runtime.evaluation.episodes import Episode, draw_episodes
from headstart.runtime.evaluation.metrics import accuracy, auroc, ci95, false_accept_share
from headstart.runtime.fusion.late import Placed
from headstart.runtime.fusion.spaces import open_spaces, place
from headstart.runtime.heads.initialization import LearnedInitialization
from headstart.runtime.recognition.model import AdaptedModel
from headstart.runtime.recognition.support import Support

WAYS, SHOTS, QUERIES, EPISODES = 5, 1, 10, 300
"""One shot: with more, a head averages an encoder's errors away and sees less of them."""

Points = dict[str, list[Placed]]
"""Class → its samples in the stream's calibrated space."""


@dataclass(frozen=True, kw_only=True)
class FewShot:
    """What few-shot recognition loses; all in points (0 to 100) but ``threshold_shift``.

    Of the two ways of meeting the candidate (enrolled and asked with it; enrolled with the
    reference, asked with the candidate) each number is the worse one.

    Args:
        reference_accuracy: with the reference alone.
        accuracy: with the candidate.
        accuracy_loss: their difference; above 0 is a loss.
        ci95: half-width of the loss's 95 % interval over the episodes.
        reference_auroc: known against unknown, with the reference alone.
        auroc: with the candidate.
        auroc_loss: their difference.
        far_rise: how much more of the unknown is accepted, at each one's own threshold.
        threshold_shift: mean shift of the unknown rule's threshold, in standard deviations of the
            reference's scores.
        episodes: how many.
        samples: how many distinct samples they were drawn from.
    """

    reference_accuracy: float
    accuracy: float
    accuracy_loss: float
    ci95: float
    reference_auroc: float
    auroc: float
    auroc_loss: float
    far_rise: float
    threshold_shift: float
    episodes: int
    samples: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Results:
    """One number an episode, ``(episodes,)``; ``spread`` is of the scores before the threshold."""

    accuracy: NDArray[np.float64]
    auroc: NDArray[np.float64]
    far: NDArray[np.float64]
    threshold: NDArray[np.float64]
    spread: NDArray[np.float64]


def compare_few_shot(
    bundle: Bundle, stream: str, before: Encoded, after: Encoded, *, episodes: int = EPISODES
) -> FewShot:
    """Run the same episodes with the reference and, in both ways, with the candidate.

    Args:
        bundle: for the stream's space and the learned initialization.
        stream: which stream the two encoded.
        before: the gate set by the reference.
        after: the same by the candidate.
        episodes: how many.
    """
    old, new = (_placed(bundle, stream, encoded) for encoded in (before, after))
    unknown_ways = min(WAYS, len(before.stems) - WAYS)
    drawn = draw_episodes(
        before.stems,
        ways=WAYS,
        shots=SHOTS,
        queries=QUERIES,
        episodes=episodes,
        seed=0,
        unknown_ways=max(1, unknown_ways),
    )
    measure = _Measure(bundle, stream)
    reference = measure.run(drawn, old, old)
    ways_of_meeting = (measure.run(drawn, new, new), measure.run(drawn, old, new))
    losses = [reference.accuracy - met.accuracy for met in ways_of_meeting]
    worst = max(losses, key=lambda loss: float(loss.mean()))
    own = ways_of_meeting[0]
    return FewShot(
        reference_accuracy=_points(reference.accuracy),
        accuracy=min(_points(met.accuracy) for met in ways_of_meeting),
        accuracy_loss=_points(worst),
        ci95=100.0 * ci95(worst),
        reference_auroc=_points(reference.auroc),
        auroc=min(_points(met.auroc) for met in ways_of_meeting),
        auroc_loss=max(_points(reference.auroc - met.auroc) for met in ways_of_meeting),
        far_rise=max(_points(met.far - reference.far) for met in ways_of_meeting),
        threshold_shift=float(((own.threshold - reference.threshold) / reference.spread).mean()),
        episodes=len(drawn),
        samples=sum(map(len, before.stems.values())),
    )


class _Measure:
    """Runs episodes in one stream's space."""

    def __init__(self, bundle: Bundle, stream: str) -> None:
        self._stream = stream
        self._start = LearnedInitialization.from_tensors(bundle.head)
        self._dims = {stream: int(bundle.manifest.streams[stream].output.shape[-1])}

    def run(self, episodes: Sequence[Episode], enrolled: Points, asked: Points) -> _Results:
        """Enrol from one, ask from the other."""
        rows = [self._episode(episode, enrolled, asked) for episode in episodes]
        columns = np.array(rows).T
        return _Results(
            accuracy=columns[0], auroc=columns[1], far=columns[2], threshold=columns[3],
            spread=columns[4],
        )  # fmt: skip

    def _episode(
        self, episode: Episode, enrolled: Points, asked: Points
    ) -> tuple[float, float, float, float, float]:
        support = Support(
            names=tuple(known.name for known in episode.known),
            samples=tuple(enrolled[k.name][i] for k in episode.known for i in k.support),
            labels=np.repeat(np.arange(len(episode.known)), SHOTS),
        )
        model = AdaptedModel(support, self._dims, self._start)
        queries = [
            (asked[k.name][i], way) for way, k in enumerate(episode.known) for i in k.queries
        ]
        strangers = [asked[u.name][i] for u in episode.unknown for i in u.queries]
        known = model.score([sample for sample, _ in queries])
        unknown = model.score(strangers).known
        space = model.subspace((self._stream,))
        assert space is not None
        return (
            accuracy(known.probability.argmax(axis=1), [way for _, way in queries]),
            auroc(known.known, unknown),
            false_accept_share(unknown > 0),
            space.rule.threshold,
            float(np.concatenate([known.known, unknown]).std()),
        )


def _placed(bundle: Bundle, stream: str, encoded: Encoded) -> Points:
    start = LearnedInitialization.from_tensors(bundle.head)
    spaces = open_spaces(bundle.manifest.streams, start, [stream])
    points: Points = {}
    for name, looks in encoded.vectors.items():
        for vectors, weights in zip(looks, encoded.weights[name], strict=True):
            views = StreamViews(vectors=vectors, weights=weights)
            sample = place({stream: views}, spaces)
            assert sample is not None
            points.setdefault(name, []).append(sample.first())
    return points


def _points(values: NDArray[np.float64]) -> float:
    return 100.0 * float(values.mean())
