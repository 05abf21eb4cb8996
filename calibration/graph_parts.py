"""Which part of an encoder's graph is front end, and which may lose precision.

Front ends turn pixels and sound into what the network was trained on: casts, scaling, log-mel.
They cost little, and a log-mel in 8 or 16 bits is wrong: its powers run over ten decades.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import onnx

from headstart.runtime.errors import ArtifactError

WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Operators that carry the network's weights."""


def named(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a name for every node that has none, so that it can be spoken of."""
    taken = {node.name for node in model.graph.node}
    for number, node in enumerate(model.graph.node):
        if not node.name:
            name = f"{node.op_type}_{number}"
            while name in taken:
                name += "_"
            taken.add(name)
            node.name = name
    return model


def network(model: onnx.ModelProto) -> tuple[str, ...]:
    """Names of the nodes from the network's first weights on, in the graph's order.

    A weighted operator whose result reaches a logarithm belongs to the front end (a DFT, a mel
    filter bank). The network is the other weighted operators and all that they lead to.

    Raises:
        ArtifactError: the graph has no weighted operator behind its front end.
    """
    nodes = list(model.graph.node)
    makers = {output: i for i, node in enumerate(nodes) for output in node.output}
    weights = constants(model)
    before_log = _ancestors(nodes, makers, [i for i, n in enumerate(nodes) if n.op_type == "Log"])
    found: set[int] = set()
    for i, node in enumerate(nodes):  # a valid graph is in topological order
        begins = (
            node.op_type in WEIGHTED
            and i not in before_log
            and any(name in weights for name in node.input)
        )
        if begins or any(makers.get(name, -1) in found for name in node.input):
            found.add(i)
    if not found:
        raise ArtifactError(
            "the model has no convolution or matrix product behind its front end; expected a"
            " network that can be quantized: leave it in FP32"
        )
    return tuple(nodes[i].name for i in sorted(found))


def front_end(model: onnx.ModelProto) -> tuple[str, ...]:
    """Names of the nodes that are neither network nor preparation of its stored weights.

    Raises:
        ArtifactError: the graph has no network.
    """
    after, prepared = set(network(model)), constants(model)
    return tuple(
        node.name
        for node in model.graph.node
        if node.name not in after and not prepared.issuperset(node.output)
    )


def weighted_nodes(model: onnx.ModelProto) -> tuple[str, ...]:
    """Names of the network's weighted operators, in the graph's order."""
    after = set(network(model))
    return tuple(
        node.name for node in model.graph.node if node.op_type in WEIGHTED and node.name in after
    )


def constants(model: onnx.ModelProto) -> set[str]:
    """Tensors that no input of the model changes: stored ones, and what is computed from them."""
    constant = {tensor.name for tensor in model.graph.initializer} | {""}
    for node in model.graph.node:
        if constant.issuperset(node.input):
            constant.update(node.output)
    return constant - {""}


def _ancestors(
    nodes: list[onnx.NodeProto], makers: Mapping[str, int], ends: Iterable[int]
) -> set[int]:
    """Positions of ``ends`` and of all that they are computed from."""
    found: set[int] = set()
    pending = list(ends)
    while pending:
        i = pending.pop()
        if i not in found:
            found.add(i)
            pending += [makers[name] for name in nodes[i].input if name in makers]
    return found
