from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.export.gate import Gate, gate, limits_of
from headstart.export.gate_set import GateSet
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.encoders.protocol import Encoder, EncoderSpec
from headstart.runtime.errors import ArtifactError, ConfigError, ShapeError

STREAM = "speech"


class Bent:
    """The real encoder, with something done to its embeddings."""

    def __init__(self, inner: Encoder, noise: float = 0.0, turn: bool = False) -> None:
        self._inner, self._noise, self._turn = inner, noise, turn
        self._rng = np.random.default_rng(0)

    @property
    def spec(self) -> EncoderSpec:
        return self._inner.spec

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        out = self._inner.encode(batch)
        if self._turn:
            out = np.roll(out, 7, axis=1)
        size = self._noise * float(np.abs(out).mean())
        return (out + size * self._rng.standard_normal(out.shape)).astype(np.float32)

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def reference(bundle: Bundle) -> dict[str, Encoder]:
    return open_encoders(bundle, [STREAM], threads=1)


def test_the_reference_itself_loses_nothing(
    bundle: Bundle, reference: dict[str, Encoder], gate_set: GateSet
) -> None:
    verdict = gate(reference, reference, gate_set, bundle=bundle, precision="fp32")
    (stream,) = verdict.streams
    few = stream.few_shot
    assert verdict.passed
    assert stream.parity.cosine == pytest.approx(1.0)
    assert (few.accuracy_loss, few.auroc_loss, few.far_rise, few.threshold_shift) == (0, 0, 0, 0)
    assert (few.episodes, few.samples) == (300, 72)
    verdict.require()


def test_noise_costs_accuracy_and_is_refused_with_the_numbers(
    bundle: Bundle, reference: dict[str, Encoder], gate_set: GateSet
) -> None:
    noisy = {STREAM: Bent(reference[STREAM], noise=3.0)}
    verdict = gate(reference, noisy, gate_set, bundle=bundle, precision="int8-cpu")
    few = verdict.streams[0].few_shot
    assert few.accuracy_loss > 1.0
    assert few.accuracy == pytest.approx(few.reference_accuracy - few.accuracy_loss)
    with pytest.raises(ArtifactError, match=r"speech: accuracy loss .* points, at most 1[,;)]"):
        verdict.require()
    assert "refused" in verdict.text() and "threshold shift" in verdict.text()
    assert verdict.to_dict()["passed"] is False


def test_a_space_that_turned_is_seen_against_the_old_gallery(
    bundle: Bundle, reference: dict[str, Encoder], gate_set: GateSet
) -> None:
    """Enrolled and asked with the candidate alone, a turned space would lose next to nothing."""
    turned = {STREAM: Bent(reference[STREAM], turn=True)}
    verdict = gate(reference, turned, gate_set, bundle=bundle, precision="int8-cpu")
    assert verdict.streams[0].few_shot.accuracy_loss > 20.0
    assert not verdict.passed


def test_the_reference_is_encoded_once_for_several_candidates(
    bundle: Bundle, reference: dict[str, Encoder], gate_set: GateSet
) -> None:
    calls = 0

    class Counting(Bent):
        def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
            nonlocal calls
            calls += 1
            return super().encode(batch)

    judge = Gate({STREAM: Counting(reference[STREAM])}, gate_set, bundle)
    judge.judge({STREAM: reference[STREAM]}, "fp32")
    judge.judge({STREAM: reference[STREAM]}, "fp16")
    assert calls == 72


def test_outputs_that_are_not_finite_are_refused(
    bundle: Bundle, reference: dict[str, Encoder], gate_set: GateSet
) -> None:
    broken = {STREAM: Bent(reference[STREAM], noise=float("nan"))}
    with pytest.raises(ShapeError, match="NaN"):
        gate(reference, broken, gate_set, bundle=bundle, precision="fp16")


def test_the_limits_are_half_a_point_and_one_point() -> None:
    assert [limits_of(p).accuracy for p in ("fp16", "int8-cpu", "int8-trt", "int8")] == [
        0.5, 1.0, 1.0, 1.0,
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="precision 'fp8' has no limits"):
        limits_of("fp8")
