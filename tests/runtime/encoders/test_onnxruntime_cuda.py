from __future__ import annotations

import onnxruntime
import pytest

from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.encoders.onnxruntime import encoder_spec
from headstart.runtime.encoders.onnxruntime_cuda import (
    PROVIDER,
    OnnxRuntimeCudaEncoder,
    cuda_provider_reason,
)
from headstart.runtime.errors import BackendError, MissingDependency


def open_speech() -> OnnxRuntimeCudaEncoder:
    bundle = load_bundle()
    return OnnxRuntimeCudaEncoder(bundle.model("speech"), encoder_spec(bundle, "speech"))


@pytest.mark.skipif(
    PROVIDER in onnxruntime.get_available_providers(), reason="this build has the CUDA provider"
)
def test_a_build_without_the_provider_names_the_one_that_has_it() -> None:
    assert "pip install onnxruntime-gpu" in (cuda_provider_reason() or "")
    with pytest.raises(MissingDependency, match="the cuda backend cannot start: this build of"):
        open_speech()


def test_a_provider_that_does_not_start_is_an_error_and_not_a_slow_success(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As onnxruntime-gpu does without a driver: the session is made, on the CPU.
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDER])
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda model, options, providers: session(
            model, options, providers=["CPUExecutionProvider"]
        ),
    )
    with pytest.raises(
        BackendError, match="CUDA provider does not start for speech; expected a dr"
    ):
        open_speech()
