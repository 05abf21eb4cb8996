"""torch → ONNX, and what every exported file must satisfy before it may ship."""

from __future__ import annotations

import logging
import warnings

import onnx
import torch
from torch import Tensor, nn

from headstart.export.graph_check import OPSET, check_graph
from headstart.runtime.errors import ArtifactError


def export_onnx(module: nn.Module, example: Tensor, *, input_name: str, output_name: str) -> bytes:
    """Export ``module`` as one self-contained ONNX file with a dynamic batch axis.

    Args:
        module: in eval mode; takes one tensor ``(batch, …)`` and gives one ``(batch, dim)``.
        example: an input with at least two items (a batch of one would be taken as fixed).
        input_name: the graph's input.
        output_name: the graph's output.

    Returns:
        The file, without build paths, so that the same weights give the same bytes.

    Raises:
        ArtifactError: the exported graph is not fit to ship; see ``check_graph``.
    """
    if module.training:
        raise ValueError("export_onnx needs a module in eval mode: call .eval() first")
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The exporter's own deprecations: nothing that a caller could act on.
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                module,
                (example,),
                input_names=[input_name],
                output_names=[output_name],
                opset_version=OPSET,
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                external_data=False,
                verbose=False,
            )
        finally:
            exporter.setLevel(level)
    if program is None:
        raise ArtifactError("the ONNX exporter returned nothing; expected a program: check torch")
    model = program.model_proto
    _tidy(model)
    check_graph(model)
    return bytes(model.SerializeToString(deterministic=True))


def _tidy(model: onnx.ModelProto) -> None:
    """Drop what describes the build and not the model: paths, stack traces, inferred shapes."""
    model.producer_name = "headstart"
    for field in ("producer_version", "doc_string", "metadata_props"):
        model.ClearField(field)
    model.graph.name = "encoder"
    for field in ("doc_string", "metadata_props", "value_info"):
        model.graph.ClearField(field)
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.ClearField("doc_string")
        value.ClearField("metadata_props")
