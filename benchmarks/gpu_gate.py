"""The gate on a GPU machine: on a data folder, or on made-up things where there is none."""

from __future__ import annotations

from pathlib import Path

from headstart.benchmarks.material import thing
from headstart.export.gate import Gate
from headstart.export.gate_set import GateSet, read_gate_set
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.encoders.onnxruntime import open_encoders

CLASSES, LOOKS = 12, 6


def open_gate(bundle: Path, gate_set: Path | None) -> Gate:
    """The gate with the bundle's FP32 encoders on the CPU as reference.

    Raises:
        ArtifactError, CaptureError, ConfigError: the bundle or the gate set is not right.
    """
    opened = load_bundle(bundle)
    samples = made_up() if gate_set is None else read_gate_set(gate_set)
    return Gate(open_encoders(opened, threads=1), samples, opened)


def made_up() -> GateSet:
    """Tiles and tones: things that differ clearly, so only a broken engine confuses them."""
    return GateSet(
        name="made-up things",
        classes={
            f"thing {number}": {f"look {look}": thing(number, look) for look in range(LOOKS)}
            for number in range(CLASSES)
        },
    )
