from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.export.engines import acceptance
from headstart.export.engines.acceptance import accept_loaded
from headstart.export.engines.request import EngineRequest, engine_requests
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.device_config import load_device
from headstart.runtime.encoders.cuda.host_layer import HostLayer
from headstart.runtime.encoders.onnxruntime import OnnxRuntimeEncoder
from headstart.runtime.encoders.protocol import EncoderSpec
from headstart.runtime.engines.key import ANY_GPU, EngineTarget
from headstart.runtime.engines.tensorrt_api import MessageLog, TensorRt
from headstart.runtime.errors import ArtifactError

API = TensorRt(
    module=None, flavour="tensorrt", version="10.3.0", logger=None, messages=MessageLog()
)
ORIN = EngineTarget(flavour="tensorrt", version="10.3.0", gpu="Orin", compute_capability="8.7")


def speech(bundle: Bundle, target: EngineTarget = ORIN) -> EngineRequest:
    device = load_device("x86-cuda")
    (request,) = engine_requests(bundle, device, target, streams=["speech"])
    return request


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Engines that say what ONNX Runtime says, from the given number on something else."""
    wrong_from = [1.0]

    class Engine:
        def __init__(self, plan: bytes, spec: EncoderSpec, **settings: Any) -> None:
            self._inner = OnnxRuntimeEncoder(plan, spec, threads=1)

        def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
            out = self._inner.encode(batch)
            out[:, int(wrong_from[0] * out.shape[1]) :] *= -1
            return out

        def close(self) -> None:
            self._inner.close()

    monkeypatch.setattr(acceptance, "open_cuda", HostLayer)
    monkeypatch.setattr(acceptance, "TensorRtEncoder", Engine)
    return wrong_from


def test_an_engine_that_says_the_same_is_kept_with_the_figures(
    bundle: Bundle, engines: list[float]
) -> None:
    said = accept_loaded(bundle.model("speech"), speech(bundle), bundle, API)
    assert said.startswith("loaded, against ONNX Runtime FP32: cosine 1.0000000, max error 0.0")


def test_an_engine_that_says_something_else_is_refused(
    bundle: Bundle, engines: list[float]
) -> None:
    engines[0] = 0.5
    with pytest.raises(ArtifactError, match="the fp32 engine of speech does not follow its refere"):
        accept_loaded(bundle.model("speech"), speech(bundle), bundle, API)


def test_what_cannot_be_loaded_here_is_said_and_not_claimed(bundle: Bundle) -> None:
    rtx = EngineTarget(
        flavour="tensorrt_rtx", version="1.7.1.116", gpu=ANY_GPU, compute_capability=ANY_GPU
    )
    said = accept_loaded(b"plan", speech(bundle, rtx), bundle, API)
    assert said == "not loaded: built without a GPU"
