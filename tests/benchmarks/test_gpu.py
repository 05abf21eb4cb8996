from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")

from headstart.benchmarks import gpu
from headstart.benchmarks.gpu_backends import BACKENDS, Backend, Material
from headstart.benchmarks.gpu_layers import Check
from headstart.benchmarks.gpu_torch import STREAMS, TorchEncoder, build_module
from headstart.bundles import STARTER_PATH
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.encoders.cuda.driver import GpuFacts
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.errors import BackendError, MissingDependency

_ROOT = Path(gpu.__file__).resolve().parents[1]
_ONLY_TORCH = """
import runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"onnx", "onnxruntime", "pydantic", "cv2", "av", "tensorrt",
                                      "tensorrt_rtx", "cuda", "pycuda", "rich", "typer",
                                      "safetensors", "array_api_compat"}:
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def material() -> Material:
    return Material.read(STARTER_PATH)


def no_gpu() -> GpuFacts:
    raise BackendError("there is no NVIDIA driver (made up); install it")


def a_gpu() -> GpuFacts:
    return GpuFacts(name="Made-up", compute_capability="9.0", memory_bytes=1, driver_cuda="13.0")


def no_layer() -> None:
    raise MissingDependency("not installed")


def test_without_cuda_it_says_so_and_names_every_backend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(gpu, "find_gpu", no_gpu)
    assert gpu.main(["--json", str(tmp_path / "gpu.json")]) == 1
    said = capsys.readouterr().out
    assert "NO CUDA: there is no NVIDIA driver (made up)" in said
    for backend in BACKENDS:
        assert f"absent: {backend.name}: no CUDA here" in said
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["rows"] == [] and "CUDA layer pycuda" in written["absent"]


def test_it_starts_from_a_clone_with_nothing_but_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ONLY_TORCH, str(_ROOT / "benchmarks" / "gpu.py"), "--rounds", "1"],
        capture_output=True,
        text=True,
        timeout=250,
        env={"PATH": "", "PYTHONPATH": ""},
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "onnxruntime absent" in done.stdout.splitlines()[0]
    assert "torch CUDA graph" in done.stdout


@pytest.mark.parametrize("stream", STREAMS)
def test_torch_with_the_bundles_weights_says_what_the_bundle_says(
    stream: str, material: Material
) -> None:
    batch = gpu._inputs(material.spec(stream))[:3]
    module = build_module(stream, material.model(stream, "fp32"))
    found = TorchEncoder(module, material.spec(stream), device="cpu").encode(batch)
    expected = open_encoders(load_bundle(), [stream], threads=1)[stream].encode(batch)
    np.testing.assert_allclose(
        found, expected, rtol=1e-3, atol=1e-4 * float(np.abs(expected).max())
    )


def test_weights_of_another_network_are_refused(material: Material) -> None:
    with pytest.raises(ValueError, match="the sound file lacks"):
        build_module("sound", material.model("image", "fp32"))


def _on_cpu(bent: float) -> Backend:
    def open_it(material: Material, stream: str, precision: str) -> TorchEncoder:
        module = build_module(stream, material.model(stream, "fp32"))
        with torch.no_grad():
            for weight in module.layers.parameters():
                weight.mul_(1 + bent * torch.randn(weight.shape))
        return TorchEncoder(module, material.spec(stream), device="cpu")

    return Backend(name="stand-in", precisions=("fp32",), open=open_it)


def test_what_runs_is_timed_and_compared_and_what_does_not_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(material: Material, stream: str, precision: str) -> TorchEncoder:
        raise MissingDependency("this backend is not installed")

    monkeypatch.setattr(gpu, "find_gpu", a_gpu)
    monkeypatch.setattr(gpu, "CUDA_LAYERS", {"made-up": no_layer})
    missing = Backend(name="missing", precisions=("fp16",), open=refuse)
    monkeypatch.setattr(gpu, "BACKENDS", (_on_cpu(0.0), missing))
    assert gpu.main(["--streams", "speech", "--rounds", "2"]) == 0
    said = capsys.readouterr().out
    assert "absent: missing fp16 speech: this backend is not installed" in said
    assert "absent: CUDA layer made-up: not installed" in said
    rows = [line.split() for line in said.splitlines() if line.startswith("stand-in")]
    assert [row[3] for row in rows] == ["1", "8"]
    assert all(float(row[-2]) > 0.99999 for row in rows)
    assert "gate, stand-in" in said and "passed" in said


def test_an_output_that_strays_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(gpu, "find_gpu", a_gpu)
    monkeypatch.setattr(gpu, "CUDA_LAYERS", {})
    monkeypatch.setattr(gpu, "BACKENDS", (_on_cpu(2.0),))
    assert gpu.main(["--streams", "speech", "--rounds", "1"]) == 1
    assert "WRONG: stand-in fp32 speech: cosine" in capsys.readouterr().out


def test_a_failed_check_of_a_layer_is_wrong() -> None:
    report = gpu.Report(layers=[Check(layer="pycuda", what="copies", wrong="lost a number")])
    assert report.wrong == ["pycuda, copies: lost a number"]


@pytest.mark.gpu
def test_a_real_gpu_gets_it_right() -> None:
    report = gpu.measure(STARTER_PATH, streams=["speech"], rounds=20)
    assert report.no_cuda == "" and report.rows
    assert report.wrong == []
