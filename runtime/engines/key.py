"""What an engine depends on. An engine whose key differs in anything is never loaded."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict

ANY_GPU = "any"
"""Of a TensorRT-RTX engine built without a GPU: such an engine finishes its build when loaded."""


class EngineTarget(BaseModel):
    """The TensorRT and the GPU that an engine is built with and for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flavour: str
    """``tensorrt`` or ``tensorrt_rtx``."""
    version: str
    gpu: str
    """The device's name, or ``any``."""
    compute_capability: str
    """Such as ``8.7``, or ``any``."""

    def __str__(self) -> str:
        gpu = "any GPU" if self.gpu == ANY_GPU else f"{self.gpu} (sm {self.compute_capability})"
        return f"{self.flavour} {self.version} on {gpu}"

    def refusal(self, here: EngineTarget) -> str | None:
        """Why an engine built for this target must not be loaded ``here``; None where it may."""
        if (self.flavour, self.version) != (here.flavour, here.version):
            return (
                f"built with {self.flavour} {self.version}, and this machine has {here.flavour}"
                f" {here.version}"
            )
        if self.flavour == "tensorrt_rtx" and self.gpu == ANY_GPU:
            return None
        if (self.gpu, self.compute_capability) != (here.gpu, here.compute_capability):
            return (
                f"built for {self.gpu} (sm {self.compute_capability}), and this machine has"
                f" {here.gpu} (sm {here.compute_capability})"
            )
        return None


class EngineKey(BaseModel):
    """Everything that decides an engine's bytes, as far as we can know it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stream: str
    onnx_sha256: str
    target: EngineTarget
    precision: str
    profile: str
    """Every input's least, usual and greatest shape, spelt out."""
    flags: tuple[str, ...]
    """Builder options such as ``workspace_mb=512``, sorted."""

    @property
    def digest(self) -> str:
        """sha256 over all fields."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def name(self) -> str:
        """The stem of the engine's files."""
        return f"{self.stream}-{self.precision}-{self.digest[:16]}"
