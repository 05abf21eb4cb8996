"""The stored tensors of an ONNX file, read without the ``onnx`` package.

A machine that has only torch can then still run the bundle's own weights. Field numbers are those
of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_MODEL_GRAPH, _GRAPH_TENSOR = 7, 5
_DIMS, _DATA_TYPE, _NAME, _RAW = 1, 2, 8, 9
_FLOAT = 1

Field = tuple[int, int | memoryview]


def read_weights(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Name → float32 tensor, for every one that is stored as raw floats.

    Raises:
        ValueError: the bytes are not an ONNX model.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for graph in _children(memoryview(data), _MODEL_GRAPH):
        for tensor in _children(graph, _GRAPH_TENSOR):
            named = _tensor(tensor)
            if named is not None:
                found[named[0]] = named[1]
    if not found:
        raise ValueError("the file holds no float32 weights; expected an FP32 ONNX model")
    return found


def _tensor(tensor: memoryview) -> tuple[str, NDArray[np.float32]] | None:
    sides: list[int] = []
    kind, name, raw = 0, "", None
    for field, value in _fields(tensor):
        if field == _DIMS:
            sides += [value] if isinstance(value, int) else list(_varints(value))
        elif field == _DATA_TYPE and isinstance(value, int):
            kind = value
        elif field == _NAME and isinstance(value, memoryview):
            name = bytes(value).decode()
        elif field == _RAW and isinstance(value, memoryview):
            raw = value
    if kind != _FLOAT or raw is None:
        return None
    return name, np.frombuffer(raw, "<f4").reshape(sides)


def _children(data: memoryview, wanted: int) -> Iterator[memoryview]:
    for field, value in _fields(data):
        if field == wanted and isinstance(value, memoryview):
            yield value


def _fields(data: memoryview) -> Iterator[Field]:
    """Field number and value of one message; nested messages and bytes as views."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        field, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield field, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire} at byte {at}; expected an ONNX model")
        if at + size > len(data):
            raise ValueError("the file ends in the middle of a field; expected a whole ONNX model")
        yield field, data[at : at + size]
        at += size


def _varints(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("the file ends in the middle of a number; expected an ONNX model")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
