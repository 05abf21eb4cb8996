"""What every exported graph must satisfy, so that each runtime of ours can load it."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from headstart.runtime.errors import ArtifactError

OPSET = 18
_STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
# TensorRT parses STFT only from 10.5 on; the others it does not parse, or not in engines like ours.
_REFUSED_OPERATORS = frozenset({"STFT", "DFT", "MelWeightMatrix", "Loop", "If", "Scan"})


def check_graph(model: onnx.ModelProto) -> None:
    """Refuse a model that some runtime of ours could not load.

    Raises:
        ArtifactError: the first thing that is wrong: another opset or domain than the standard
            one, an operator that TensorRT lacks, weights outside the file, a fixed batch axis, or
            what ONNX's own checker rejects.
    """
    for finding in graph_findings(model):
        raise ArtifactError(f"the exported model {finding}: rewrite the module without it")
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0]
        raise ArtifactError(
            f"the exported model is not valid ONNX ({reason}); expected a graph that ONNX's checker"
            " accepts: change the module or the exporter's version"
        ) from error


def graph_findings(model: onnx.ModelProto) -> Iterator[str]:
    """Everything that is wrong with the graph, apart from what ONNX's own checker sees."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets != {"": OPSET}:
        yield f"asks for opsets {opsets}; expected {OPSET} of the standard domain alone"
    nodes = list(_nodes(model.graph))
    foreign = {node.domain for node in nodes} - _STANDARD_DOMAINS
    if foreign or model.functions:
        yield (
            f"uses operators of {sorted(foreign)} and {len(model.functions)} functions of its own;"
            " expected standard operators"
        )
    refused = {node.op_type for node in nodes} & _REFUSED_OPERATORS
    if refused:
        yield f"uses {sorted(refused)}; expected operators that every TensorRT since 8.6 parses"
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        yield "keeps weights in another file; expected one file"
    for value in (*model.graph.input, *model.graph.output):
        if not value.type.tensor_type.shape.dim[0].dim_param:
            yield f"has a fixed batch axis at {value.name!r}; expected a dynamic one"
    misused = sorted(_uint8_consumers(model.graph) - {"Cast"})
    if misused:
        # Seen with TensorRT-RTX 1.7: a uint8 tensor may enter a cast and nothing else.
        yield f"feeds uint8 to {misused}; expected Cast alone"


def _uint8_consumers(graph: onnx.GraphProto) -> set[str]:
    """Operators that read a uint8 input of the graph."""
    names = {
        value.name
        for value in graph.input
        if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    }
    return {node.op_type for node in graph.node if names & set(node.input)}


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, those of subgraphs included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _nodes(attribute.g)
