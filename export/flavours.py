"""A bundle's encoders in FP16 and in two flavours of INT8, each through the gate or not at all.

How an INT8 flavour is chosen, for each stream: ranges by three methods, compared by few-shot
accuracy on the calibration folder's own classes; if the best still loses more than half of what the
gate allows, the most sensitive nodes stay in FP32. Then the gate judges it on other classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import onnx

from headstart.calibration.fp16 import to_fp16
from headstart.calibration.quantize import (
    FLAVOURS,
    METHODS,
    Flavour,
    Method,
    Ranges,
    collect_ranges,
    quantize,
)
from headstart.calibration.samples import calibration_inputs
from headstart.calibration.sensitivity import choose_kept, rank_nodes
from headstart.export.apart import ApartEncoder
from headstart.export.few_shot import EPISODES
from headstart.export.gate import Gate, StreamVerdict, Verdict, limits_of
from headstart.export.gate_set import read_gate_set
from headstart.export.graph_check import check_graph
from headstart.export.operators import check_operators
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import (
    OnnxRuntimeEncoder,
    encoder_spec,
    open_encoders,
)
from headstart.runtime.encoders.protocol import Encoder
from headstart.runtime.errors import CaptureError, ConfigError

Precision = Literal["fp16", "int8-cpu", "int8-trt"]
LARGEST_SHARE = 0.3
"""Bytes of an INT8 file over those of its FP32 file, at most."""
PRECISIONS: tuple[Precision, ...] = ("fp16", *FLAVOURS)
Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Made:
    """One flavour of one stream that the gate let through or refused.

    Args:
        stream: its name.
        precision: of the file.
        data: the ONNX file.
        share: its bytes as a share of the FP32 file's.
        how: how it was made, in words.
        verdict: the gate's.
    """

    stream: str
    precision: Precision
    data: bytes
    share: float
    how: str
    verdict: StreamVerdict

    def card(self) -> str:
        """The model card's text."""
        v = self.verdict
        f = v.few_shot
        return (
            f"{self.how}; {100 * self.share:.1f} % of the FP32 file's bytes. Against FP32 on"
            f" {f.samples} gate samples: {v.parity}; 5-way 1-shot accuracy {f.accuracy:.2f} of"
            f" {f.reference_accuracy:.2f} % (loss {f.accuracy_loss:+.2f} ± {f.ci95:.2f}), unknown"
            f" AUROC {f.auroc:.2f} of {f.reference_auroc:.2f}, threshold shift"
            f" {f.threshold_shift:+.3f} deviations."
        )


def make_flavours(
    bundle: Bundle,
    *,
    gate_set: Path,
    calibration: Path | None = None,
    precisions: Sequence[Precision] = PRECISIONS,
    streams: Sequence[str] | None = None,
    episodes: int = EPISODES,
    report: Report = lambda line: None,
) -> list[Made]:
    """Make and judge the flavours of a bundle's encoders.

    Args:
        bundle: with FP32 models.
        gate_set: a data folder or a .zip of one, to judge on.
        calibration: another data folder, to choose ranges on; INT8 needs it.
        precisions: which to make.
        streams: of which; None is all.
        episodes: that few-shot results are averaged over.
        report: told one line for every step.

    Returns:
        One entry for each stream and precision, refused ones included: look at ``verdict``.

    Raises:
        ConfigError: INT8 without a calibration folder, or calibration and gate on the same data.
        CaptureError: a folder holds too little, or something that cannot be read.
        ArtifactError: a flavour is not valid, or some TensorRT would refuse it.
    """
    int8 = [p for p in precisions if p in FLAVOURS]
    if int8 and calibration is None:
        raise ConfigError(
            f"{' and '.join(int8)} need samples to calibrate on; expected a folder: give"
            " --calibration DATA"
        )
    if calibration is not None and calibration.resolve() == gate_set.resolve():
        raise ConfigError(
            f"{gate_set} was given to calibrate on and to judge on; expected two folders: a flavour"
            " judged on what it was fitted to looks better than it is"
        )
    names = list(bundle.manifest.streams if streams is None else streams)
    with _opened(bundle, names) as reference:
        judge = Gate(reference, read_gate_set(gate_set), bundle, episodes=episodes)
        chooser = None
        if int8 and calibration is not None:
            chooser = _Chooser(bundle, reference, calibration, episodes, report)
        made = []
        for stream in names:
            for precision in precisions:
                made.append(_make(bundle, stream, precision, judge, chooser))
                report(_line(made[-1]))
    return made


def verdict_of(made: Sequence[Made], gate_set: Path) -> Verdict:
    """All flavours' verdicts as one."""
    return Verdict(gate_set=str(gate_set), streams=tuple(one.verdict for one in made))


def open_flavour(data: bytes, precision: str, bundle: Bundle, stream: str) -> Encoder:
    """A flavour's file as an encoder on this CPU, one thread; FP16 in a process of its own."""
    spec = encoder_spec(bundle, stream)
    if precision == "fp16":
        return ApartEncoder(data, spec)
    return OnnxRuntimeEncoder(data, spec, threads=1)


def _make(
    bundle: Bundle, stream: str, precision: Precision, judge: Gate, chooser: _Chooser | None
) -> Made:
    full = bundle.model(stream)
    if precision == "fp16":
        data, how = to_fp16(full), "FP16, front end in FP32"
    else:
        assert chooser is not None
        data, how = chooser.choose(stream, precision)
    model = onnx.load_from_string(data)
    check_graph(model)
    if precision != "int8-cpu":
        check_operators(model)
    candidate = open_flavour(data, precision, bundle, stream)
    try:
        verdict = judge.judge({stream: candidate}, precision).streams[0]
    finally:
        candidate.close()
    return Made(
        stream=stream,
        precision=precision,
        data=data,
        share=len(data) / len(full),
        how=how,
        verdict=verdict,
    )


class _Chooser:
    """Chooses the ranges' method and the nodes to keep, by what the calibration samples say."""

    def __init__(
        self,
        bundle: Bundle,
        reference: Mapping[str, Encoder],
        folder: Path,
        episodes: int,
        report: Report,
    ) -> None:
        self._bundle = bundle
        self._reference = reference
        self._report = report
        self._inputs = calibration_inputs(folder, Embedder(bundle.manifest.streams, reference))
        self._outputs = {s: reference[s].encode(batch) for s, batch in self._inputs.items()}
        self._ranges: dict[tuple[str, Method], Ranges] = {}
        self._judge: Gate | None = None
        try:
            self._judge = Gate(reference, read_gate_set(folder), bundle, episodes=episodes)
        except (CaptureError, ConfigError) as error:
            report(f"methods are compared by distortion, not by few-shot accuracy: {error}")

    def choose(self, stream: str, flavour: Flavour) -> tuple[bytes, str]:
        """The file, and how it was made."""
        tried = {method: quantize(self._range(stream, method), flavour) for method in METHODS}
        losses = {method: self._loss(stream, flavour, data) for method, data in tried.items()}
        best = min(METHODS, key=lambda method: losses[method])
        self._report(
            f"{stream} {flavour}: "
            + ", ".join(f"{method} loses {losses[method]:.2f}" for method in METHODS)
        )
        kept: tuple[str, ...] = ()
        if losses[best] > self._allowed(flavour):
            kept = self._keep(stream, flavour, best)
        ranges = self._range(stream, best)
        data = quantize(ranges, flavour, keep=kept) if kept else tried[best]
        in_float = f", {', '.join(kept)} kept in FP32" if kept else ""
        unusual = f", {ranges.left_out} unusual ones left out" if ranges.left_out else ""
        how = f"{flavour}, per channel, {best} over {ranges.items} samples{unusual}{in_float}"
        return data, how

    def _keep(self, stream: str, flavour: Flavour, method: Method) -> tuple[str, ...]:
        ranges = self._range(stream, method)
        ranked = rank_nodes(ranges, flavour, lambda data: self._distortion(stream, data))
        allowed = self._allowed(flavour)
        return choose_kept(
            ranges,
            flavour,
            ranked,
            lambda data: self._loss(stream, flavour, data) <= allowed,
            most_bytes=int(LARGEST_SHARE * len(self._bundle.model(stream))),
        )

    def _range(self, stream: str, method: Method) -> Ranges:
        if (stream, method) not in self._ranges:
            self._ranges[stream, method] = collect_ranges(
                self._bundle.model(stream), self._inputs[stream], method
            )
        return self._ranges[stream, method]

    def _allowed(self, flavour: Flavour) -> float:
        """Half of what the gate allows; without few-shot results, a distortion of a tenth."""
        return limits_of(flavour).accuracy / 2 if self._judge is not None else 0.1

    def _loss(self, stream: str, flavour: Flavour, data: bytes) -> float:
        """Points lost on the calibration classes, AUROC included; else the distortion."""
        if self._judge is None:
            return self._distortion(stream, data)
        candidate = open_flavour(data, flavour, self._bundle, stream)
        try:
            found = self._judge.judge({stream: candidate}, flavour).streams[0].few_shot
        finally:
            candidate.close()
        return max(found.accuracy_loss, found.auroc_loss)

    def _distortion(self, stream: str, data: bytes) -> float:
        """Mean squared error of the outputs over their variance."""
        candidate = open_flavour(data, "int8-cpu", self._bundle, stream)
        try:
            outputs = candidate.encode(self._inputs[stream])
        finally:
            candidate.close()
        reference = self._outputs[stream].astype(np.float64)
        spread = np.square(reference - reference.mean(axis=0)).sum()
        return float(np.square(outputs - reference).sum() / max(float(spread), 1e-12))


@contextmanager
def _opened(bundle: Bundle, streams: Sequence[str]) -> Iterator[dict[str, Encoder]]:
    encoders = open_encoders(bundle, streams, threads=1)
    try:
        yield encoders
    finally:
        for encoder in encoders.values():
            encoder.close()


def _line(made: Made) -> str:
    f = made.verdict.few_shot
    refused = made.verdict.refused
    return (
        f"{made.stream} {made.precision}: {len(made.data):,} bytes ({100 * made.share:.1f} %),"
        f" accuracy {f.accuracy_loss:+.2f} points lost, "
        + (f"refused: {', '.join(refused)}" if refused else "passed")
    )


def as_precisions(names: Sequence[str]) -> tuple[Precision, ...]:
    """Names as precisions.

    Raises:
        ConfigError: a name is none.
    """
    wrong = [name for name in names if name not in PRECISIONS]
    if wrong:
        raise ConfigError(f"precisions {wrong} were asked for; expected some of {PRECISIONS}")
    return cast(tuple[Precision, ...], tuple(names))
