from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.bundles import STARTER_PATH
from headstart.runtime.bundle.onnx_scan import OnnxFacts, scan_onnx


def field(number: int, content: bytes | int) -> bytes:
    """One protobuf field."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def node(domain: bytes = b"", attribute: bytes = b"") -> bytes:
    return field(4, b"Op") + field(7, domain) + (field(5, attribute) if attribute else b"")


OUTSIDE = field(13, field(1, b"location") + field(2, b"/etc/passwd")) + field(14, 1)
INSIDE = field(1, 300) + field(9, bytes(1200))


def graph(*parts: bytes) -> bytes:
    return field(7, b"".join(parts))


@pytest.mark.parametrize("name", ["image", "sound", "speech"])
def test_the_starters_files_are_standard_onnx_of_opset_18(name: str) -> None:
    facts = scan_onnx((STARTER_PATH / f"{name}.onnx").read_bytes())
    assert facts == OnnxFacts(opset=18, foreign_domains=frozenset(), external_data=False)


NESTED = field(1, b"body") + field(6, field(1, node(b"evil")))


@pytest.mark.parametrize(
    "model",
    [
        graph(field(1, node(b"evil"))),
        graph(field(1, node(attribute=NESTED))),
        graph(field(1, node(attribute=field(11, field(1, node(attribute=NESTED)))))),
        graph() + field(25, field(7, node(b"evil"))),
    ],
    ids=["in the graph", "in a branch", "in a branch of a branch", "in a function"],
)
def test_foreign_operators_are_found_wherever_they_hide(model: bytes) -> None:
    assert scan_onnx(model).foreign_domains == {"evil"}


@pytest.mark.parametrize(
    "model",
    [
        graph(field(5, OUTSIDE)),
        graph(field(15, field(1, OUTSIDE))),
        graph(field(1, node(attribute=field(5, OUTSIDE)))),
        graph(field(1, node(attribute=field(10, OUTSIDE)))),
        graph(field(1, node(attribute=field(6, field(5, OUTSIDE))))),
        graph(field(1, node(attribute=field(22, field(2, OUTSIDE))))),
        graph() + field(25, field(7, node(attribute=field(5, OUTSIDE)))),
    ],
    ids=["weight", "sparse", "constant", "constants", "in a branch", "sparse constant", "function"],
)
def test_weights_in_other_files_are_found_wherever_they_hide(model: bytes) -> None:
    assert scan_onnx(model).external_data


def test_weights_inside_the_file_are_fine() -> None:
    model = graph(field(1, node(b"ai.onnx")), field(5, INSIDE)) + field(8, field(2, 18))
    assert scan_onnx(model) == OnnxFacts(opset=18, foreign_domains=frozenset(), external_data=False)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "holds 0 graphs, not one"),
        (graph() + graph(), "holds 2 graphs, not one"),
        (b"PK\x03\x04", "protobuf"),
        (graph(field(1, node()))[:-1], "cut off"),
        (b"\xff" * 20, "protobuf"),
        (b"\x80", "cut off"),
    ],
    ids=["empty", "two graphs", "a zip", "cut off", "endless number", "half a number"],
)
def test_what_is_not_onnx_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        scan_onnx(data)


def test_endless_nesting_is_refused() -> None:
    inner = node()
    for _ in range(30):
        inner = node(attribute=field(6, field(1, inner)))
    with pytest.raises(ValueError, match="nested too deeply"):
        scan_onnx(graph(field(1, inner)))


@given(st.binary(max_size=64))
def test_any_bytes_give_facts_or_a_value_error(data: bytes) -> None:
    for candidate in (data, graph(data), graph(field(1, data))):
        try:
            assert isinstance(scan_onnx(candidate), OnnxFacts)
        except ValueError:
            continue
