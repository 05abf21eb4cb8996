"""The starter's encoders in torch with the bundle's weights: a baseline that needs only torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.benchmarks.onnx_weights import read_weights
from headstart.runtime.encoders.protocol import EncoderSpec

STREAMS = ("image", "sound", "speech")
_WARM_UP = 3


def build_module(stream: str, onnx_file: bytes) -> Any:
    """The stream's torch module in eval mode, with the weights of its FP32 ONNX file.

    Raises:
        ValueError: the file's weights are not this network's.
    """
    import torch

    module = _untrained(stream)
    weights = {k: torch.from_numpy(v.copy()) for k, v in read_weights(onnx_file).items()}
    wanted = {name for name, _ in module.named_parameters() if not name.startswith("classifier.")}
    missing = sorted(wanted - weights.keys())
    if missing:
        raise ValueError(f"the {stream} file lacks {missing[:3]}; expected the starter's encoders")
    module.load_state_dict({name: weights[name] for name in wanted}, strict=False)
    return module.requires_grad_(False)


def _untrained(stream: str) -> Any:
    if stream == "image":
        from headstart.training.encoders.efficientnet_lite import EfficientNetLite

        return EfficientNetLite().eval().fold()
    if stream == "sound":
        from headstart.training.encoders.yamnet import Yamnet

        return Yamnet().eval()
    from headstart.training.encoders.speech_embedding import SpeechEmbedding

    return SpeechEmbedding().eval()


class TorchEncoder:
    """One module on one device, host array in and host array out. Not for several threads.

    Args:
        module: from ``build_module``; moved to the device.
        spec: what it takes and gives.
        device: ``cpu`` or ``cuda``.
        half: network in FP16; front ends stay in FP32.
        graph: record a CUDA graph for each batch size and launch it.
    """

    def __init__(
        self,
        module: Any,
        spec: EncoderSpec,
        *,
        device: str,
        half: bool = False,
        graph: bool = False,
    ) -> None:
        self._spec = spec
        self._device = device
        self._graph = graph
        self._run = _halved(module.to(device), spec.stream) if half else module.to(device)
        self._recorded: dict[int, tuple[Any, Any, Any]] = {}

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder takes and gives."""
        return self._spec

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Embed ``(batch, *input_shape)``; float32 ``(batch, dim)`` that the caller owns."""
        import torch

        given = torch.from_numpy(np.ascontiguousarray(batch))
        with torch.inference_mode():
            if self._graph:
                graph, source, result = self._record(given)
                source.copy_(given)
                graph.replay()
            else:
                result = self._run(given.to(self._device))
            return np.array(result.float().cpu().numpy())

    def close(self) -> None:
        """Free graphs and weights."""
        self._recorded.clear()

    def _record(self, given: Any) -> tuple[Any, Any, Any]:
        """The graph for this batch size, its input and its output."""
        import torch

        if len(given) not in self._recorded:
            source = given.to(self._device)
            side: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(_WARM_UP):
                    self._run(source)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                result = self._run(source)
            self._recorded[len(given)] = graph, source, result
        return self._recorded[len(given)]


def _halved(module: Any, stream: str) -> Callable[[Any], Any]:
    """The module with its network in FP16 and its front end in FP32."""
    import torch

    if stream == "image":
        for part in (module.stem, module.blocks, module.head):
            part.half()

        def run_image(pixels: Any) -> Any:
            numbers = ((pixels.to(torch.float32) - 127.0) / 128.0).permute(0, 3, 1, 2).half()
            maps = module.blocks(torch.nn.functional.relu6(module.stem(numbers)))
            return torch.nn.functional.relu6(module.head(maps)).mean(dim=(2, 3))

        return run_image
    module.layers.half()
    if stream == "sound":
        return lambda sound: module.embed_patch(module.patch(sound).half())
    from headstart.training.encoders.speech_embedding import FRAMES

    module.last.half()
    return lambda sound: module.embed_window(module.log_mel(sound)[:, -FRAMES:].half())
