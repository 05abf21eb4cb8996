"""What a CUDA machine makes of the encoders: one run, no network.

    python -m headstart.benchmarks.gpu --json gpu.json
    python benchmarks/gpu.py                          from a clone, with nothing installed but torch

Checks the CUDA layers, runs every backend that can be opened (torch eager and as CUDA graph, ONNX
Runtime's CUDA provider, TensorRT, TensorRT-RTX) at batch 1 and 8, compares each with FP32 on the
CPU, and puts it through the gate. Says which backends were absent, and why. Latency is from an
array in host memory to an array in host memory. Exit code 1: something was wrong, or no CUDA.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # From a clone: the package lies in src/, and this folder must not shadow other modules.
    here = Path(__file__).resolve().parent
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != here]
    sys.path.insert(0, str(here.parent / "src"))

import numpy as np
from numpy.typing import NDArray

from headstart.benchmarks.gpu_backends import BACKENDS, MAX_BATCH, Backend, Material
from headstart.benchmarks.gpu_layers import Check, check_layer
from headstart.benchmarks.gpu_torch import TorchEncoder, build_module
from headstart.bundles import STARTER_PATH
from headstart.runtime.encoders.cuda.driver import find_gpu
from headstart.runtime.encoders.cuda.opening import CUDA_LAYERS
from headstart.runtime.encoders.protocol import Encoder, EncoderSpec
from headstart.runtime.errors import HeadstartError

BATCHES = (1, MAX_BATCH)
LEAST_COSINE = {"fp32": 0.999, "fp16": 0.995, "int8-trt": 0.8}
"""On noise, which is harder than pictures; FP32 on a GPU may be TF32."""
_WARM_UP = 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One encoder on one backend at one batch size.

    Args:
        backend, precision, stream, batch: which.
        p50_ms: median latency, host array to host array.
        p99_ms: 99 % of the calls are faster.
        memory_mb: GPU memory that opening and running took; None where it cannot be asked.
        cosine: least cosine with FP32 torch on the CPU.
        max_error: largest difference of one number.
    """

    backend: str
    precision: str
    stream: str
    batch: int
    p50_ms: float
    p99_ms: float
    memory_mb: float | None
    cosine: float
    max_error: float


@dataclass(kw_only=True)
class Report:
    """Everything that one run found.

    Args:
        machine: what it ran on.
        no_cuda: why there is no GPU; empty where there is one.
        layers: checks of the CUDA layers.
        rows: the measurements.
        absent: backend, layer or gate → why it did not run.
        gate: verdicts as the gate gives them.
    """

    machine: dict[str, str] = field(default_factory=dict)
    no_cuda: str = ""
    layers: list[Check] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    gate: list[dict[str, Any]] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """What must not be: failed checks, outputs that stray, refusals by the gate."""
        found = [f"{c.layer}, {c.what}: {c.wrong}" for c in self.layers if c.wrong]
        found += [
            f"{r.backend} {r.precision} {r.stream}: cosine {r.cosine:.4f}"
            for r in self.rows
            if not r.cosine >= LEAST_COSINE[r.precision]
        ]
        found += [f"gate: {v['backend']} {v['text']}" for v in self.gate if not v["passed"]]
        return found


def measure(
    bundle: Path, *, streams: Sequence[str], rounds: int, gate_set: Path | None = None
) -> Report:
    """Run everything that can run here."""
    report = Report(machine=_machine())
    try:
        facts = find_gpu()
        report.machine |= {
            "gpu": facts.name,
            "compute capability": facts.compute_capability,
            "driver CUDA": facts.driver_cuda,
        }
    except HeadstartError as error:
        report.no_cuda = str(error)
        report.absent = {name: "no CUDA here" for name in _all_names()}
        return report
    for name, open_layer in CUDA_LAYERS.items():
        try:
            report.layers += check_layer(name, open_layer)
        except HeadstartError as error:
            report.absent[f"CUDA layer {name}"] = str(error)
    material = Material.read(bundle)
    judge = _Judge(bundle, gate_set, report)
    for stream in streams:
        spec = material.spec(stream)
        inputs = _inputs(spec)
        expected = _reference(material, stream).encode(inputs)
        for backend in BACKENDS:
            for precision in backend.precisions:
                _run(backend, material, precision, inputs, expected, rounds, report, judge, spec)
    return report


def _run(
    backend: Backend,
    material: Material,
    precision: str,
    inputs: NDArray[Any],
    expected: NDArray[np.float32],
    rounds: int,
    report: Report,
    judge: _Judge,
    spec: EncoderSpec,
) -> None:
    """One backend with one encoder; what it cannot do is noted, not raised."""
    free = _free_bytes()
    label = f"{backend.name} {precision}"
    try:
        encoder = backend.open(material, spec.stream, precision)
    except Exception as error:  # whatever keeps a backend away is a finding of this run
        reason = str(error) or type(error).__name__
        report.absent.setdefault(f"{label} {spec.stream}", " ".join(reason.split())[:300])
        return
    try:
        for batch in BATCHES:
            found = encoder.encode(inputs[:batch])
            times_ms = sorted(_times_ms(encoder, inputs[:batch], rounds))
            left = _free_bytes()
            taken = None if free is None or left is None else (free - left) / 2**20
            cosine, error_at_most = _compare(expected[:batch], found)
            report.rows.append(
                Row(
                    backend=backend.name,
                    precision=precision,
                    stream=spec.stream,
                    batch=batch,
                    p50_ms=times_ms[len(times_ms) // 2],
                    p99_ms=times_ms[min(len(times_ms) - 1, int(0.99 * len(times_ms)))],
                    memory_mb=taken,
                    cosine=cosine,
                    max_error=error_at_most,
                )
            )
        judge.judge(backend.name, spec.stream, precision, encoder)
    except Exception as error:
        report.absent[f"{label} {spec.stream}"] = f"failed while running: {error}"
    finally:
        encoder.close()


class _Judge:
    """The parity gate, where the packages for it are there."""

    def __init__(self, bundle: Path, gate_set: Path | None, report: Report) -> None:
        self._report = report
        self._gate: Any = None
        try:
            from headstart.benchmarks.gpu_gate import open_gate

            self._gate = open_gate(bundle, gate_set)
        except (ImportError, HeadstartError) as error:
            report.absent["gate"] = str(error)

    def judge(self, backend: str, stream: str, precision: str, encoder: Encoder) -> None:
        if self._gate is not None:
            verdict = self._gate.judge({stream: encoder}, precision)
            self._report.gate.append(
                {"backend": backend, "text": verdict.text(), **verdict.to_dict()}
            )


def _reference(material: Material, stream: str) -> TorchEncoder:
    module = build_module(stream, material.model(stream, "fp32"))
    return TorchEncoder(module, material.spec(stream), device="cpu")


def _inputs(spec: EncoderSpec) -> NDArray[Any]:
    """Waves with a little noise: different for each item, the same every time."""
    rng = np.random.default_rng(0)
    size = int(np.prod(spec.input_shape))
    rate = np.linspace(0.01, 0.2, MAX_BATCH)[:, None]
    waves = np.sin(np.arange(size) * rate) + 0.2 * rng.standard_normal((MAX_BATCH, size))
    waves = waves.reshape(MAX_BATCH, *spec.input_shape)
    if spec.input_dtype == "uint8":
        return np.clip(127.5 + 80.0 * waves, 0, 255).astype(np.uint8)
    return (0.3 * waves).clip(-1, 1).astype(np.float32)


def _times_ms(encoder: Encoder, batch: NDArray[Any], rounds: int) -> Iterator[float]:
    for turn in range(-_WARM_UP, rounds):
        begun = time.perf_counter()
        encoder.encode(batch)
        if turn >= 0:
            yield 1e3 * (time.perf_counter() - begun)


def _compare(expected: NDArray[np.float32], found: NDArray[np.float32]) -> tuple[float, float]:
    left, right = expected.astype(np.float64), found.astype(np.float64)
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosine = float(((left * right).sum(axis=1) / np.maximum(norms, 1e-30)).min())
    return cosine, float(np.abs(left - right).max())


def _free_bytes() -> int | None:
    """Free memory of the GPU, all processes counted; asked of the driver in its primary context."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    device, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0):
        return None
    if cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):
        return None
    try:
        if cuda.cuCtxPushCurrent_v2(context):
            return None
        failed = cuda.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
        cuda.cuCtxPopCurrent_v2(ctypes.byref(ctypes.c_void_p()))
        return None if failed else free.value
    finally:
        cuda.cuDevicePrimaryCtxRelease_v2(device)


def _machine() -> dict[str, str]:
    found = {"platform": platform.platform(), "python": platform.python_version()}
    for name in ("torch", "onnxruntime", "tensorrt", "tensorrt_rtx"):
        try:
            found[name] = str(__import__(name).__version__)
        except (ImportError, OSError, AttributeError):
            found[name] = "absent"
    return found


def _all_names() -> list[str]:
    return [*(backend.name for backend in BACKENDS), *(f"CUDA layer {n}" for n in CUDA_LAYERS)]


def lines(report: Report) -> Iterator[str]:
    """The report for people."""
    yield ", ".join(f"{name} {value}" for name, value in report.machine.items())
    if report.no_cuda:
        yield f"NO CUDA: {report.no_cuda}"
    for check in report.layers:
        yield f"CUDA layer {check.layer}, {check.what}: {check.wrong or 'right'}"
    if report.rows:
        yield (
            f"{'backend':18}{'precision':10}{'stream':8}{'batch':>5}{'p50 ms':>9}{'p99 ms':>9}"
            f"{'GPU MiB':>9}{'cosine':>10}{'max error':>11}"
        )
    for r in report.rows:
        memory = "" if r.memory_mb is None else f"{r.memory_mb:.0f}"
        yield (
            f"{r.backend:18}{r.precision:10}{r.stream:8}{r.batch:5}{r.p50_ms:9.3f}{r.p99_ms:9.3f}"
            f"{memory:>9}{r.cosine:10.6f}{r.max_error:11.2g}"
        )
    for verdict in report.gate:
        yield f"gate, {verdict['backend']}:\n{verdict['text']}"
    for name, reason in report.absent.items():
        yield f"absent: {name}: {reason}"
    for wrong in report.wrong:
        yield f"WRONG: {wrong}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m headstart.benchmarks.gpu",
        description="Check and time every GPU backend of the encoders on this machine.",
    )
    parser.add_argument("--bundle", type=Path, default=STARTER_PATH, help="a bundle's folder")
    parser.add_argument("--streams", default="image,sound,speech", help="separated by commas")
    parser.add_argument("--rounds", type=int, default=200, help="timed calls of each")
    parser.add_argument("--gate", type=Path, help="a data folder to judge on; default: made-up")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    options = parser.parse_args(arguments)
    report = measure(
        options.bundle,
        streams=options.streams.split(","),
        rounds=max(1, options.rounds),
        gate_set=options.gate,
    )
    for line in lines(report):
        print(line)
    if options.json is not None:
        options.json.write_text(json.dumps({**asdict(report), "wrong": report.wrong}, indent=2))
    return 1 if report.wrong or report.no_cuda else 0


if __name__ == "__main__":
    sys.exit(main())
