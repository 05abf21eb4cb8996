"""The gate: does a candidate still teach and recognise as its reference does?

Compared as tensors and as few-shot results. A cosine of 0.99 says nothing by itself: what counts is
whether things enrolled before the change are still recognised after it, and whether strangers still
are unknown. Both ways of meeting a candidate are measured: everything enrolled and asked with it,
and a gallery enrolled with the reference that the candidate is now asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headstart.export.few_shot import EPISODES, FewShot, compare_few_shot
from headstart.export.gate_set import Encoded, GateSet, encode_gate_set
from headstart.export.parity import Parity, measure_parity
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.errors import ArtifactError, ConfigError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a candidate may lose, in points (1 point is 0.01).

    Args:
        accuracy: of few-shot accuracy.
        auroc: of the AUROC of known against unknown.
        far: how much the share of accepted unknowns may rise.
        cosine: mean raw cosine of the views; below it something is broken, not imprecise. (In 8
            bits single views of near silence may point anywhere: that alone costs nothing.)
    """

    accuracy: float
    auroc: float
    far: float
    cosine: float


LIMITS: Mapping[str, Limits] = {
    "fp32": Limits(accuracy=0.1, auroc=0.1, far=0.2, cosine=0.99999),
    "fp16": Limits(accuracy=0.5, auroc=0.5, far=1.0, cosine=0.999),
    "int8": Limits(accuracy=1.0, auroc=1.0, far=2.0, cosine=0.9),
}
"""Precision → limits; every INT8 flavour has those of ``int8``."""


def limits_of(precision: str) -> Limits:
    """The limits of ``fp32``, ``fp16``, ``int8-cpu`` or ``int8-trt``.

    Raises:
        ConfigError: no such precision.
    """
    found = LIMITS.get(precision.partition("-")[0])
    if found is None:
        raise ConfigError(f"precision {precision!r} has no limits; expected one of {list(LIMITS)}")
    return found


@dataclass(frozen=True, kw_only=True)
class StreamVerdict:
    """One stream's measurement.

    Args:
        stream: its name.
        precision: of the candidate.
        parity: raw outputs against the reference's.
        few_shot: what became of few-shot recognition.
        refused: why it does not pass; empty when it does.
    """

    stream: str
    precision: str
    parity: Parity
    few_shot: FewShot
    refused: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The gate's verdict on all candidates.

    Args:
        gate_set: what it was measured on.
        streams: one entry for each candidate.
    """

    gate_set: str
    streams: tuple[StreamVerdict, ...]

    @property
    def passed(self) -> bool:
        """Whether every stream passes."""
        return not any(stream.refused for stream in self.streams)

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Column titles and rows, as text."""
        return _COLUMNS, [_row(stream) for stream in self.streams]

    def text(self) -> str:
        """The table as aligned lines."""
        titles, rows = self.table()
        widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
        lines = (
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
            for row in (titles, *rows)
        )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The fields for machines."""
        return {"passed": self.passed, **asdict(self)}

    def require(self) -> None:
        """Do nothing if it passed.

        Raises:
            ArtifactError: it did not; says which numbers are beyond which limits. ``text`` has
                the whole table.
        """
        if not self.passed:
            why = "; ".join(
                f"{s.stream}: {', '.join(s.refused)}" for s in self.streams if s.refused
            )
            raise ArtifactError(
                f"the gate refuses the candidate ({why}); expected losses within the limits: keep"
                " what runs now"
            )


class Gate:
    """Judges candidates of one bundle on one gate set; the reference is encoded once.

    Args:
        reference: stream → FP32 encoder of the bundle; at least the candidates' streams.
        gate_set: see `headstart.export.gate_set.read_gate_set`.
        bundle: holds the streams' view plans, spaces and the head that few-shot results need.
        episodes: small enrolments that the few-shot results are averaged over.
    """

    def __init__(
        self,
        reference: Mapping[str, Encoder],
        gate_set: GateSet,
        bundle: Bundle,
        *,
        episodes: int = EPISODES,
    ) -> None:
        self._reference = reference
        self._gate_set = gate_set
        self._bundle = bundle
        self._episodes = episodes
        self._before: dict[str, Encoded] = {}

    def judge(self, candidate: Mapping[str, Encoder], precision: str) -> Verdict:
        """Compare loaded encoders with the reference; see `gate`."""
        limits = limits_of(precision)
        verdicts = []
        for stream, encoder in candidate.items():
            entry = self._bundle.manifest.streams[stream]
            if stream not in self._before:
                self._before[stream] = encode_gate_set(
                    self._gate_set, entry, self._reference[stream]
                )
            before = self._before[stream]
            after = encode_gate_set(self._gate_set, entry, encoder)
            parity = measure_parity(before.rows(), after.rows())
            few_shot = compare_few_shot(
                self._bundle, stream, before, after, episodes=self._episodes
            )
            verdicts.append(
                StreamVerdict(
                    stream=stream,
                    precision=precision,
                    parity=parity,
                    few_shot=few_shot,
                    refused=tuple(_refusals(parity, few_shot, limits)),
                )
            )
        return Verdict(gate_set=self._gate_set.name, streams=tuple(verdicts))


def gate(
    reference: Mapping[str, Encoder],
    candidate: Mapping[str, Encoder],
    gate_set: GateSet,
    *,
    bundle: Bundle,
    precision: str,
) -> Verdict:
    """Compare loaded encoders on a gate set.

    Args:
        reference: stream → FP32 encoder of the bundle; at least the candidate's streams.
        candidate: stream → the encoder in question: another precision, or a loaded engine.
        gate_set: see `headstart.export.gate_set.read_gate_set`.
        bundle: holds the streams' view plans, spaces and the head that few-shot results need.
        precision: of the candidate; decides the limits.

    Raises:
        ConfigError: unknown precision, or a gate set too small for a stream.
        ShapeError: an output has another shape than the reference's, or is not finite.
        BackendError: an encoder failed.
    """
    return Gate(reference, gate_set, bundle).judge(candidate, precision)


def _refusals(parity: Parity, few_shot: FewShot, limits: Limits) -> list[str]:
    measured = (
        ("accuracy loss", few_shot.accuracy_loss, limits.accuracy),
        ("AUROC loss", few_shot.auroc_loss, limits.auroc),
        ("rise of accepted unknowns", few_shot.far_rise, limits.far),
    )
    found = [
        f"{what} {value:.2f} points, at most {limit:g}"
        for what, value, limit in measured
        if value > limit
    ]
    if parity.mean_cosine < limits.cosine:
        found.append(f"mean cosine {parity.mean_cosine:.5f}, at least {limits.cosine:g}")
    return found


_COLUMNS = (
    "stream", "precision", "least cosine", "mean cosine", "max error", "accuracy", "loss",
    "unknown AUROC", "loss", "threshold shift", "FAR rise", "verdict",
)  # fmt: skip


def _row(v: StreamVerdict) -> tuple[str, ...]:
    f, p = v.few_shot, v.parity
    return (
        v.stream, v.precision, f"{p.cosine:.5f}", f"{p.mean_cosine:.5f}",
        f"{p.max_error:.2g} of {p.scale:.2g}",
        f"{f.accuracy:.2f} of {f.reference_accuracy:.2f}", f"{f.accuracy_loss:+.2f}",
        f"{f.auroc:.2f} of {f.reference_auroc:.2f}", f"{f.auroc_loss:+.2f}",
        f"{f.threshold_shift:+.3f}", f"{f.far_rise:+.2f}", "refused" if v.refused else "passed",
    )  # fmt: skip
