"""Would each TensorRT take this model? Asked without any TensorRT, the offending node by name.

The parsers of the devices cannot run where models are exported, and the one that can
(TensorRT-RTX) takes more than theirs. So there is a list for each release, and the rules that
quantized models must keep, as seen with TensorRT-RTX 1.7: symmetric zero points, no quantized bias.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from headstart.runtime.errors import ArtifactError, ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

_LISTS = Path(__file__).with_suffix(".toml")
_QUANTIZE = frozenset({"QuantizeLinear", "DequantizeLinear"})
_ZERO_POINT = 2
"""The input of both operators that holds the zero point."""


@dataclass(frozen=True, kw_only=True)
class Objection:
    """Why one node keeps a model from some TensorRT.

    Args:
        node: its name, or its number in the file where it has none.
        operator: its type.
        release: the TensorRT that refuses it.
        reason: what is wrong with it.
    """

    node: str
    operator: str
    release: str
    reason: str

    def __str__(self) -> str:
        return f"node {self.node!r} ({self.operator}) {self.reason}"


def supported_releases() -> tuple[str, ...]:
    """The TensorRT releases that our devices bring, oldest first."""
    return tuple(_lists()["releases"])


@lru_cache(maxsize=16)
def allowed_operators(release: str) -> frozenset[str]:
    """The operators that a release's parser takes.

    Args:
        release: such as ``10.3``.

    Raises:
        ConfigError: not a release, or older than the oldest one listed.
    """
    asked = _version(release)
    allowed = {
        operator
        for since, operators in _lists()["since"].items()
        if _version(since) <= asked
        for operator in operators
    }
    if not allowed:
        raise ConfigError(
            f"there is no operator list for TensorRT {release}; expected"
            f" {supported_releases()[0]} or newer"
        )
    return frozenset(allowed)


def check_operators(model: onnx.ModelProto, releases: Iterable[str] | None = None) -> None:
    """Refuse a model that some TensorRT would not take.

    Args:
        model: with its weights.
        releases: which to ask; None asks all that our devices bring.

    Raises:
        ArtifactError: the first objection, with the node's name.
        ConfigError: there is no such release.
    """
    for release in supported_releases() if releases is None else releases:
        for objection in operator_objections(model, release):
            raise ArtifactError(
                f"TensorRT {release} does not take the model: {objection}; expected operators of"
                " export/operators.toml and symmetric quantization: change the module or how it is"
                " quantized"
            )


def operator_objections(model: onnx.ModelProto, release: str) -> Iterator[Objection]:
    """Everything that a release's parser would refuse, in the order of the nodes.

    Raises:
        ConfigError: there is no such release.
    """
    allowed = allowed_operators(release)
    constants = dict(_constants(model.graph))
    for number, node in enumerate(_nodes(model.graph)):
        reason = None
        if node.op_type not in allowed:
            since = _since(node.op_type)
            known = f"TensorRT takes it from {since} on" if since else "no TensorRT takes it"
            reason = f"is an operator it does not parse: {known}"
        elif node.op_type in _QUANTIZE:
            reason = _quantization_fault(node, constants)
        if reason is not None:
            yield Objection(
                node=node.name or f"number {number}",
                operator=node.op_type,
                release=release,
                reason=reason,
            )


def _quantization_fault(node: onnx.NodeProto, constants: dict[str, NDArray[Any]]) -> str | None:
    """What is wrong with a QuantizeLinear or DequantizeLinear; None where nothing is."""
    if node.op_type == "DequantizeLinear":
        values = constants.get(node.input[0])
        if values is not None and values.dtype == np.int32:
            return "holds a bias as int32: quantize with QuantizeBias=False"
    if len(node.input) <= _ZERO_POINT or not node.input[_ZERO_POINT]:
        # Without a zero point the type is uint8, and the zero point 0: not symmetric either.
        return None if node.op_type == "DequantizeLinear" else "has no int8 zero point of 0"
    zero_point = constants.get(node.input[_ZERO_POINT])
    if zero_point is None:
        return "computes its zero point: it must be a constant 0"
    if zero_point.dtype != np.int8:
        return f"quantizes to {zero_point.dtype}: it must be int8 (ActivationSymmetric)"
    if zero_point.any():
        worst = int(zero_point.flat[np.abs(zero_point.astype(np.int32)).argmax()])
        return f"is asymmetric (zero point {worst}): it must be 0 (ActivationSymmetric)"
    return None


def _constants(graph: onnx.GraphProto) -> Iterator[tuple[str, NDArray[Any]]]:
    """Initializers and Constant nodes that a quantization rule may have to look at."""
    for tensor in graph.initializer:
        if tensor.data_type in (
            onnx.TensorProto.INT8,
            onnx.TensorProto.UINT8,
            onnx.TensorProto.INT32,
        ):
            yield tensor.name, onnx.numpy_helper.to_array(tensor)
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    yield node.output[0], onnx.numpy_helper.to_array(attribute.t)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, those of subgraphs included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _nodes(attribute.g)


def _since(operator: str) -> str | None:
    since: dict[str, list[str]] = _lists()["since"]
    return next((release for release, names in since.items() if operator in names), None)


@lru_cache(maxsize=1)
def _lists() -> dict[str, Any]:
    lists: dict[str, Any] = tomllib.loads(_LISTS.read_text(encoding="utf-8"))
    return lists


def _version(release: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in release.split("."))
    except ValueError as error:
        raise ConfigError(
            f"there is no TensorRT release {release!r}; expected numbers such as 10.3"
        ) from error
