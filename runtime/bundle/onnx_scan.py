"""What an ONNX file is made of, read without the ``onnx`` package.

A walk over the protobuf wire format that skips all weights: two milliseconds, where importing
``onnx`` costs a third of a second and tens of megabytes. Field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})

_MODEL_GRAPH, _MODEL_OPSETS, _MODEL_FUNCTIONS = 7, 8, 25
_GRAPH_NODES, _GRAPH_TENSORS, _GRAPH_SPARSE_TENSORS = 1, 5, 15
_NODE_ATTRIBUTES, _NODE_DOMAIN = 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_ATTRIBUTE_SPARSE_TENSOR, _ATTRIBUTE_SPARSE_TENSORS = 22, 23
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14
_SPARSE_PARTS = (1, 2)
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_FUNCTION_NODES = 7
_MAX_DEPTH = 16


@dataclass(frozen=True, kw_only=True)
class OnnxFacts:
    """What matters before a file is given to a runtime.

    Args:
        opset: version of the standard operators; 0 when the file names none.
        foreign_domains: operator domains in use that are not the standard one.
        external_data: whether weights are read from other files, which could lie anywhere.
    """

    opset: int
    foreign_domains: frozenset[str]
    external_data: bool


def scan_onnx(data: bytes) -> OnnxFacts:
    """Read the facts of an ONNX file.

    Raises:
        ValueError: the bytes are not an ONNX model.
    """
    opset, graphs, domains, external = 0, 0, set[str](), False
    for field, value in _fields(memoryview(data)):
        if field == _MODEL_OPSETS and isinstance(value, memoryview):
            entry = dict(_fields(value))
            domain, version = entry.get(_OPSET_DOMAIN, b""), entry.get(_OPSET_VERSION, 0)
            if _text(domain) in STANDARD_DOMAINS and isinstance(version, int):
                opset = version
        elif field in (_MODEL_GRAPH, _MODEL_FUNCTIONS) and isinstance(value, memoryview):
            graphs += field == _MODEL_GRAPH
            nodes = _GRAPH_NODES if field == _MODEL_GRAPH else _FUNCTION_NODES
            for part, found in _walk(value, nodes, 0):
                domains.add(found) if part == "domain" else None
                external = external or part == "external"
    if graphs != 1:
        raise ValueError(f"it holds {graphs} graphs, not one")
    return OnnxFacts(
        opset=opset, foreign_domains=frozenset(domains - STANDARD_DOMAINS), external_data=external
    )


def _walk(graph: memoryview, node_field: int, depth: int) -> Iterator[tuple[str, str]]:
    """Yield ``("domain", name)`` for every node and ``("external", "")`` for outside weights."""
    if depth > _MAX_DEPTH:
        raise ValueError("its graphs are nested too deeply")
    for field, value in _fields(graph):
        if not isinstance(value, memoryview):
            continue
        if field == node_field:
            yield from _walk_node(value, depth)
        elif node_field == _GRAPH_NODES and field == _GRAPH_TENSORS and _is_external(value):
            yield "external", ""
        elif node_field == _GRAPH_NODES and field == _GRAPH_SPARSE_TENSORS and _is_outside(value):
            yield "external", ""


def _walk_node(node: memoryview, depth: int) -> Iterator[tuple[str, str]]:
    for field, value in _fields(node):
        if field == _NODE_DOMAIN:
            yield "domain", _text(value)
        elif field == _NODE_ATTRIBUTES and isinstance(value, memoryview):
            for kind, content in _fields(value):
                if not isinstance(content, memoryview):
                    continue
                if kind in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
                    yield from _walk(content, _GRAPH_NODES, depth + 1)
                elif kind in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS) and _is_external(content):
                    yield "external", ""
                elif kind in (_ATTRIBUTE_SPARSE_TENSOR, _ATTRIBUTE_SPARSE_TENSORS) and _is_outside(
                    content
                ):
                    yield "external", ""


def _is_external(tensor: memoryview) -> bool:
    """Whether a TensorProto's data lie in another file."""
    return any(
        field == _TENSOR_EXTERNAL_DATA or (field == _TENSOR_DATA_LOCATION and value != 0)
        for field, value in _fields(tensor)
    )


def _is_outside(sparse: memoryview) -> bool:
    """Whether a SparseTensorProto's values or indices lie in another file."""
    return any(
        field in _SPARSE_PARTS and isinstance(value, memoryview) and _is_external(value)
        for field, value in _fields(sparse)
    )


def _text(value: memoryview | bytes | int) -> str:
    if isinstance(value, int):
        raise ValueError("a name in it is a number")
    return bytes(value).decode("utf-8")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Every field of one protobuf message: its number, and a varint or a view of its bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("it is not in the protobuf format")
        if number == 0 or at + size > end:
            raise ValueError("it is not in the protobuf format, or cut off")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """The variable-length integer at ``at``, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("it is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it is not in the protobuf format")
