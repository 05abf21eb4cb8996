"""Every backend that can run an encoder on a GPU: how to open it, and why it cannot be opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from headstart.benchmarks.gpu_torch import TorchEncoder, build_module
from headstart.runtime.encoders.protocol import Encoder, EncoderSpec

MAX_BATCH = 8
_ONNX_PRECISIONS = ("fp32", "fp16")
_ENGINE_PRECISIONS: dict[str, Literal["fp32", "fp16", "int8"]] = {
    "fp32": "fp32",
    "fp16": "fp16",
    "int8-trt": "int8",
}
"""The bundle's word → the builder's."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """A bundle's folder, read without the packages that the runtime needs for it.

    Args:
        folder: of the bundle.
        streams: the manifest's entries.
    """

    folder: Path
    streams: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Material:
        """Read the manifest."""
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        return cls(folder=folder, streams=manifest["streams"])

    def spec(self, stream: str) -> EncoderSpec:
        """What the stream's encoder takes and gives."""
        entry = self.streams[stream]
        return EncoderSpec(
            stream=stream,
            modality=entry["modality"],
            input_shape=tuple(entry["input"]["shape"][1:]),
            input_dtype=entry["input"]["dtype"],
            dim=entry["output"]["shape"][-1],
            sha256="",
        )

    def model(self, stream: str, precision: str) -> bytes:
        """The stream's file; FP16 is made where the bundle has none.

        Raises:
            LookupError: the bundle has no such file, and none can be made here.
            ImportError: making FP16 needs the onnx package.
        """
        models: dict[str, str] = self.streams[stream]["models"]
        if precision in models:
            return (self.folder / models[precision]).read_bytes()
        if precision != "fp16":
            raise LookupError(f"the bundle has no {precision} model of {stream}")
        from headstart.calibration.fp16 import to_fp16

        return to_fp16((self.folder / models["fp32"]).read_bytes())


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One way to run encoders.

    Args:
        name: as in the table.
        precisions: that it may run.
        open: stream and precision → encoder; raises where it cannot.
    """

    name: str
    precisions: tuple[str, ...]
    open: Callable[[Material, str, str], Encoder]


def _torch(graph: bool) -> Callable[[Material, str, str], Encoder]:
    def open_it(material: Material, stream: str, precision: str) -> Encoder:
        module = build_module(stream, material.model(stream, "fp32"))
        return TorchEncoder(
            module, material.spec(stream), device="cuda", half=precision == "fp16", graph=graph
        )

    return open_it


def _onnxruntime(material: Material, stream: str, precision: str) -> Encoder:
    from headstart.runtime.encoders.onnxruntime_cuda import OnnxRuntimeCudaEncoder

    return OnnxRuntimeCudaEncoder(material.model(stream, precision), material.spec(stream))


def _tensorrt(flavour: str) -> Callable[[Material, str, str], Encoder]:
    def open_it(material: Material, stream: str, precision: str) -> Encoder:
        from headstart.export.engines.builder import build_plan
        from headstart.export.engines.options import BuildOptions
        from headstart.export.engines.profiles import Profile
        from headstart.runtime.encoders.cuda.opening import open_cuda
        from headstart.runtime.encoders.tensorrt import TensorRtEncoder
        from headstart.runtime.engines.tensorrt_api import open_tensorrt

        api, spec = open_tensorrt(flavour), material.spec(stream)
        cuda = open_cuda()
        name = material.streams[stream]["input"]["name"]
        profile = Profile(
            input=name,
            least=(1, *spec.input_shape),
            usual=(1, *spec.input_shape),
            greatest=(MAX_BATCH, *spec.input_shape),
        )
        options = BuildOptions(
            precision=_ENGINE_PRECISIONS[precision], workspace_mb=1024, optimization_level=3
        )
        built = build_plan(
            api, material.model(stream, precision), profiles=(profile,), options=options
        )
        return TensorRtEncoder(built.plan, spec, api=api, cuda=cuda)

    return open_it


BACKENDS = (
    Backend(name="torch eager", precisions=("fp32", "fp16"), open=_torch(graph=False)),
    Backend(name="torch CUDA graph", precisions=("fp32", "fp16"), open=_torch(graph=True)),
    Backend(name="onnxruntime CUDA", precisions=_ONNX_PRECISIONS, open=_onnxruntime),
    Backend(name="tensorrt", precisions=tuple(_ENGINE_PRECISIONS), open=_tensorrt("tensorrt")),
    Backend(
        name="tensorrt_rtx", precisions=tuple(_ENGINE_PRECISIONS), open=_tensorrt("tensorrt_rtx")
    ),
)
