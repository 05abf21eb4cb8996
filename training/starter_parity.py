"""The encoders against what was published, and the exported files against the encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from headstart.export.parity import Parity, require_parity
from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.training.encoders.published import (
    speech_graphs,
    without_quantization,
    yamnet_graph,
)
from headstart.training.encoders.speech_embedding import FRAMES, SpeechEmbedding
from headstart.training.encoders.yamnet import Yamnet

COSINE = 0.99999
"""Smallest cosine, item by item, at which two versions count as one."""


def parity_sounds(real: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Sounds to compare on: real seconds, noise of three loudnesses, a sweep, silence, full scale.

    Returns:
        float32 ``(batch, 16000)``.
    """
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(3, SAMPLE_RATE_HZ)) * np.array([[0.001], [0.03], [0.5]])
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    sweep = 0.3 * np.sin(2 * np.pi * (50.0 + 3_900.0 * time_s) * time_s)
    square = np.sign(np.sin(2 * np.pi * 440.0 * time_s))
    made = np.concatenate([noise, [sweep, np.zeros_like(sweep), square]])
    return np.concatenate([*(part[:2] for part in real), made]).clip(-1, 1).astype(np.float32)


def parity_pixels(photos: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures to compare on: real photos, noise, black and white, ``(batch, side, side, rgb)``."""
    noise = np.random.default_rng(0).integers(0, 256, size=photos[:1].shape, dtype=np.uint8)
    black = np.zeros_like(noise)
    return np.concatenate([photos, noise, black, black + np.uint8(255)])


def yamnet_parity(model: Yamnet, wheel: Path, sounds: NDArray[np.float32]) -> Parity:
    """Class logits against the published graph without its quantization, on the same patches.

    Raises:
        ArtifactError: they differ.
    """
    with torch.inference_mode():
        patches = model.patch(torch.from_numpy(sounds)).numpy()
        ours = model.classify(torch.from_numpy(sounds)).numpy()
    session = _session(without_quantization(yamnet_graph(wheel)).SerializeToString())
    theirs = [_run(session, {"audio": patch[None, None]}) for patch in patches]
    return require_parity("YAMNet", np.concatenate(theirs), ours, cosine=COSINE)


def speech_parity(model: SpeechEmbedding, wheel: Path, sounds: NDArray[np.float32]) -> Parity:
    """Embeddings against the published chain, from sound to vector.

    Raises:
        ArtifactError: they differ.
    """
    front, network = (_session(graph) for graph in speech_graphs(wheel))
    theirs = []
    for sound in sounds:
        # One item at a time: the published front end mixes the items of a batch.
        mel = _run(front, {"input": sound[None] * np.float32(32_768)})
        window = mel[0, 0, -FRAMES:] / 10 + 2
        theirs.append(_run(network, {"input_1": window[None, :, :, None]}).reshape(1, -1))
    with torch.inference_mode():
        ours = model(torch.from_numpy(sounds)).numpy()
    return require_parity("speech_embedding", np.concatenate(theirs), ours, cosine=COSINE)


def export_parity(model: nn.Module, onnx_file: bytes, batch: NDArray[Any], name: str) -> Parity:
    """The exported file in ONNX Runtime against the torch module, as a batch and one by one.

    Raises:
        ArtifactError: they differ.
    """
    with torch.inference_mode():
        reference = model(torch.from_numpy(batch)).numpy()
    session = _session(onnx_file)
    single = np.concatenate([_run(session, {name: item[None]}) for item in batch])
    require_parity(f"{name}.onnx, one by one", reference, single, cosine=COSINE)
    together = _run(session, {name: batch})
    return require_parity(f"{name}.onnx", reference, together, cosine=COSINE)


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _run(
    session: onnxruntime.InferenceSession, inputs: Mapping[str, NDArray[Any]]
) -> NDArray[np.float32]:
    """The session's only output."""
    output: NDArray[np.float32] = session.run(None, dict(inputs))[0]
    return output
