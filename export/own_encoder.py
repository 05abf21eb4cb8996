"""Somebody's own encoder as a stream: any torch module, or any ONNX file that keeps the contract.

`docs/own-encoder.md` shows one of each.
"""

from __future__ import annotations

import importlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from torch import nn

from headstart.export.graph_check import OPSET, check_graph
from headstart.export.onnx_export import export_onnx
from headstart.export.parity import Parity, require_parity
from headstart.runtime.bundle.manifest import Provenance, StreamEntry, TensorEntry
from headstart.runtime.encoders.onnxruntime import OnnxRuntimeEncoder
from headstart.runtime.encoders.protocol import EncoderSpec
from headstart.runtime.errors import ArtifactError, ConfigError

COSINE = 0.99999
"""Smallest cosine, item by item, at which an exported file counts as the module it came from."""
_EXAMPLES = 4
_DTYPES: dict[int, str] = {TensorProto.UINT8: "uint8", TensorProto.FLOAT: "float32"}


@runtime_checkable
class EncoderSource(Protocol):
    """What `headstart export --encoder STREAM=module:name` finds under that name, or calls for it.

    The module takes one tensor, ``(batch, *entry.input.shape[1:])`` of ``entry.input.dtype``, and
    gives float32 ``(batch, dim)`` with ``dim = entry.output.shape[-1]``. Everything between the
    device's pixels or samples and the network (scaling, log-mel) belongs inside it.
    """

    @property
    def entry(self) -> StreamEntry:
        """The stream's place in the manifest; what it says of ``models`` is not used."""
        ...

    def module(self) -> nn.Module:
        """The encoder with its weights, in eval mode."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnEncoder:
    """An encoder ready to go into a bundle.

    Args:
        entry: its stream in the manifest.
        data: the ONNX file.
        parity: the file against the torch module; None where an ONNX file was given.
    """

    entry: StreamEntry
    data: bytes
    parity: Parity | None


def own_encoder(stream: str, source: str, usual: StreamEntry | None, licence: str) -> OwnEncoder:
    """Take in an encoder.

    Args:
        stream: the stream's name.
        source: path of an ``.onnx`` file, or ``module:name`` of an `EncoderSource`.
        usual: the bundle's stream of that name, whose views and modality an ONNX file takes over.
        licence: of an ONNX file.

    Raises:
        ConfigError: no such file, module or name, or it is not what is asked for.
        ArtifactError: the model is not fit to ship.
    """
    if source.endswith(".onnx"):
        return from_onnx(Path(source), usual, licence)
    return from_torch(stream, _imported(source))


def from_torch(stream: str, source: EncoderSource) -> OwnEncoder:
    """Export a torch module, and compare the file with it.

    Raises:
        ArtifactError: the exported graph is not fit to ship, or says something else.
    """
    import torch

    entry = source.entry.model_copy(update={"models": {"fp32": f"{stream}.onnx"}})
    module = source.module().eval()
    example = _examples(entry)
    with torch.inference_mode():
        reference = module(torch.from_numpy(example)).numpy()
    data = export_onnx(
        module,
        torch.from_numpy(example),
        input_name=entry.input.name,
        output_name=entry.output.name,
    )
    found = _opened(entry, stream, data).encode(example)
    parity = require_parity(f"{stream}.onnx", reference, found, cosine=COSINE)
    return OwnEncoder(entry=entry, data=data, parity=parity)


def from_onnx(path: Path, usual: StreamEntry | None, licence: str) -> OwnEncoder:
    """Take in an ONNX file; an older opset is raised, weights beside it are taken in.

    Raises:
        ConfigError: the file is missing, or there is no stream to take views from.
        ArtifactError: it is not ONNX, a part of it is missing, or it breaks the contract.
    """
    if usual is None:
        raise ConfigError(
            f"{path} is for a stream that the bundle does not have, so nothing says how samples are"
            " cut for it; expected a module:name whose entry says it, see docs/own-encoder.md"
        )
    model = _loaded(path)
    check_graph(model)
    stream = usual.models["fp32"].removesuffix(".onnx")
    entry = usual.model_copy(
        update={
            "models": {"fp32": f"{stream}.onnx"},
            "input": _tensor(model.graph.input[0], usual.input.unit, path),
            "output": _tensor(model.graph.output[0], usual.output.unit, path),
            "provenance": Provenance(what=path.name, source="an ONNX file", licence=licence),
        }
    )
    if entry.input.shape[1:] != usual.input.shape[1:] or entry.input.dtype != usual.input.dtype:
        raise ArtifactError(
            f"{path} takes {entry.input.dtype} {entry.input.shape}; expected {usual.input.dtype}"
            f" {usual.input.shape} ({usual.input.unit}): put the front end into the model"
        )
    data = simplified(model)
    _opened(entry, stream, data).encode(_examples(entry))
    return OwnEncoder(entry=entry, data=data, parity=None)


def simplified(model: onnx.ModelProto) -> bytes:
    """The model with constants folded, where that leaves fewer nodes and nothing else changes."""
    import onnxruntime

    plain = bytes(model.SerializeToString(deterministic=True))
    with tempfile.TemporaryDirectory(prefix="headstart-simplify-") as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "simple.onnx")
        onnxruntime.InferenceSession(plain, options, providers=["CPUExecutionProvider"])
        simple = onnx.load(options.optimized_model_filepath)
    used = {node.domain or "" for node in simple.graph.node}
    kept = [entry for entry in simple.opset_import if (entry.domain or "") in used]
    del simple.opset_import[:]
    simple.opset_import.extend(kept)
    if used != {""} or len(simple.graph.node) >= len(model.graph.node):
        return plain
    return bytes(simple.SerializeToString(deterministic=True))


def _loaded(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        raise ConfigError(f"{path} does not exist; expected an ONNX file: check the path")
    try:
        model = onnx.load(path)
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{path} keeps weights in {error.filename or 'another file'}, which is missing;"
            " expected all its parts beside it: copy them too"
        ) from error
    except Exception as error:  # protobuf's and onnx's own errors share no base
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ArtifactError(
            f"{path} cannot be read as ONNX ({reason}); expected a whole model and all its parts"
        ) from error
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), OPSET)
    if opset < OPSET:
        try:
            model = onnx.version_converter.convert_version(model, OPSET)
        except Exception as error:
            raise ArtifactError(
                f"{path} has opset {opset} and cannot be raised to {OPSET} ({error}): export it"
                f" with opset {OPSET}"
            ) from error
    return model


def _tensor(value: onnx.ValueInfoProto, unit: str, path: Path) -> TensorEntry:
    kind = value.type.tensor_type
    dtype = _DTYPES.get(kind.elem_type)
    sides = [side.dim_value or side.dim_param for side in kind.shape.dim]
    if dtype is None or len(sides) < 2 or not all(isinstance(side, int) for side in sides[1:]):
        found = TensorProto.DataType.Name(TensorProto.DataType(kind.elem_type))
        raise ArtifactError(
            f"{path}: {value.name!r} is {found} {sides}; expected uint8 or float32 with a"
            " dynamic batch axis and fixed numbers after it"
        )
    return TensorEntry.model_validate(
        {"name": value.name, "dtype": dtype, "shape": ("batch", *sides[1:]), "unit": unit}
    )


def _imported(source: str) -> EncoderSource:
    module_name, colon, name = source.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module_name), name) if colon else None
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"encoder {source!r} cannot be imported ({error}); expected an .onnx file or"
            " module:name with the module on PYTHONPATH"
        ) from error
    made = found() if callable(found) else found
    if not isinstance(made, EncoderSource):
        raise ConfigError(
            f"encoder {source!r} is {type(made).__name__}; expected an .onnx file, or a module:name"
            " that has `entry` and `module()`, see docs/own-encoder.md"
        )
    return made


def _examples(entry: StreamEntry) -> NDArray[Any]:
    """Inputs of the entry's shape: noise, two items at least, the same every time."""
    rng = np.random.default_rng(0)
    shape = (_EXAMPLES, *(int(side) for side in entry.input.shape[1:]))
    if entry.input.dtype == "uint8":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    return rng.uniform(-0.5, 0.5, shape).astype(np.float32)


def _opened(entry: StreamEntry, stream: str, data: bytes) -> OnnxRuntimeEncoder:
    spec = EncoderSpec(
        stream=stream,
        modality=entry.modality,
        input_shape=tuple(int(side) for side in entry.input.shape[1:]),
        input_dtype=entry.input.dtype,
        dim=int(entry.output.shape[-1]),
        sha256="",
    )
    return OnnxRuntimeEncoder(data, spec, threads=1)
