"""INT8 in two flavours: what runs fastest on a CPU is what TensorRT refuses.

| flavour | activations | weights | biases |
|---|---|---|---|
| ``int8-cpu`` | unsigned, any zero point | signed, per channel | 32-bit integers |
| ``int8-trt`` | signed, zero point 0 | signed, per channel | left in float |

Both are written as QuantizeLinear/DequantizeLinear pairs around the operators (QDQ), which every
runtime reads; ONNX Runtime runs the first with integer kernels (2.2 times as fast as FP32 where it
was measured), TensorRT builds only the second (it has no zero points and no 32-bit integer biases).
"""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process

from headstart.calibration.dft_kernels import with_formulas
from headstart.calibration.graph_parts import front_end, named
from headstart.calibration.outliers import usual_samples
from headstart.calibration.samples import BatchReader, check_finite
from headstart.runtime.errors import ArtifactError

Flavour = Literal["int8-cpu", "int8-trt"]
FLAVOURS: tuple[Flavour, ...] = ("int8-cpu", "int8-trt")
Method = Literal["minmax", "entropy", "percentile"]
METHODS: tuple[Method, ...] = ("minmax", "entropy", "percentile")

_METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
_PERCENTILE = 99.99
# Histograms keep every activation of a call in memory: about 40 MB a picture.
_CHUNK_BATCHES = 1
_BATCH_ITEMS = 8
_ACTIVATIONS = {"int8-cpu": QuantType.QUInt8, "int8-trt": QuantType.QInt8}
_OPTIONS: dict[str, dict[str, Any]] = {
    "int8-cpu": {},
    "int8-trt": {"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
}
_QUANTIZED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul", "Relu", "LeakyRelu", "Clip",
              "MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Pad", "Reshape", "Flatten",
              "Transpose", "Squeeze", "Unsqueeze", "Sigmoid")  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranges:
    """A model ready to be quantized, and the range that each of its tensors keeps to.

    Args:
        model: with shapes inferred and batch norms folded; every node has a name.
        data: the ranges by tensor name, as ONNX Runtime's quantizer reads them.
        method: how they were chosen.
        items: how many samples they come from.
        left_out: how many more were unusual, see `headstart.calibration.outliers`.
    """

    model: onnx.ModelProto
    data: TensorsData
    method: Method
    items: int
    left_out: int


def collect_ranges(model: bytes, inputs: NDArray[Any], method: Method = "minmax") -> Ranges:
    """Run the samples through the model and note where its activations lie.

    Args:
        model: an FP32 ONNX file with one input.
        inputs: ``(items, *input_shape)``.
        method: ``minmax`` keeps everything seen; ``entropy`` and ``percentile`` cut rare extremes.

    Raises:
        ShapeError: a batch is bad, or not all were used.
        ArtifactError: ONNX Runtime cannot prepare or run the model.
    """
    prepared = _prepared(model)
    check_finite(inputs, "the calibration samples")
    usual = usual_samples(prepared, inputs)
    left_out = int((~usual).sum())
    inputs = inputs[usual]
    name = prepared.graph.input[0].name
    with tempfile.TemporaryDirectory(prefix="headstart-calibrate-") as folder, _quiet():
        path = Path(folder) / "model.onnx"
        onnx.save(prepared, path)
        calibrator = create_calibrator(
            path,
            list(_QUANTIZED),
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=_METHODS[method],
            extra_options={"percentile": _PERCENTILE} if method == "percentile" else {},
        )
        step = _CHUNK_BATCHES * _BATCH_ITEMS
        for at in range(0, len(inputs), step):
            reader = BatchReader(name, inputs[at : at + step], _BATCH_ITEMS)
            calibrator.collect_data(reader)
            reader.check_used()
        data = calibrator.compute_data()
    return Ranges(model=prepared, data=data, method=method, items=len(inputs), left_out=left_out)


def quantize(ranges: Ranges, flavour: Flavour, *, keep: Collection[str] = ()) -> bytes:
    """The model in INT8.

    Args:
        ranges: from ``collect_ranges``; not changed.
        flavour: for whom, see the module.
        keep: names of nodes that stay in FP32, besides the front end.

    Raises:
        ArtifactError: a name in ``keep`` is no node of the model.
    """
    names = {node.name for node in ranges.model.graph.node}
    missing = sorted(set(keep) - names)
    if missing:
        raise ArtifactError(f"the model has no nodes {missing}; expected names of its nodes")
    # The quantizer changes the model that it is given.
    model = onnx.ModelProto()
    model.CopyFrom(ranges.model)
    before = front_end(model)
    with _quiet():
        quantizer = QDQQuantizer(
            model,
            True,  # per channel
            False,  # reduce_range: only for CPUs without VNNI, and the loss is then the model's
            QuantType.QInt8,
            _ACTIVATIONS[flavour],
            ranges.data,
            [],
            [*before, *keep],
            list(_QUANTIZED),
            dict(_OPTIONS[flavour]),
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()
    made: onnx.ModelProto = quantizer.model.model
    return shippable(with_formulas(made))


def _prepared(model: bytes) -> onnx.ModelProto:
    """Shapes inferred, constants folded, batch norms in their convolutions, every node named."""
    with tempfile.TemporaryDirectory(prefix="headstart-prepare-") as folder, _quiet():
        source, target = Path(folder) / "in.onnx", Path(folder) / "out.onnx"
        source.write_bytes(model)
        try:
            quant_pre_process(str(source), str(target), skip_symbolic_shape=True)
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ArtifactError(
                f"the model cannot be prepared for quantization ({reason}); expected an ONNX file"
                " that ONNX Runtime loads: export it again"
            ) from error
        return named(onnx.load(target))


def shippable(model: onnx.ModelProto) -> bytes:
    """The file, without what describes its making, and with the operator sets that it uses."""
    used = {node.domain or "" for node in model.graph.node}
    kept = [entry for entry in model.opset_import if (entry.domain or "") in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    model.producer_name = "headstart"
    for field in ("producer_version", "doc_string", "metadata_props"):
        model.ClearField(field)
    for field in ("doc_string", "metadata_props", "value_info"):
        model.graph.ClearField(field)
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Holds back the quantizer's notes on stdout and the root logger: nobody could act on them."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.root.setLevel(level)
