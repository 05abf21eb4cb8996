from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytest.importorskip("onnxscript", reason="needs the export extra")
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from headstart.export.own_encoder import from_onnx, from_torch, own_encoder, simplified
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.bundle.manifest import (
    ImageViews,
    Provenance,
    StreamEntry,
    TensorEntry,
)
from headstart.runtime.errors import ArtifactError, ConfigError

ENTRY = StreamEntry(
    modality="image",
    models={},
    input=TensorEntry(name="image", dtype="uint8", shape=("batch", 32, 32, 3), unit="RGB"),
    output=TensorEntry(name="embedding", dtype="float32", shape=("batch", 8), unit="feature"),
    views=ImageViews(support=("full",), query=("full",)),
    provenance=Provenance(what="tiny", source="a test", licence="Apache-2.0"),
)


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 5, stride=4)

    def forward(self, pixels: Tensor) -> Tensor:
        maps: Tensor = self.conv(pixels.to(torch.float32).permute(0, 3, 1, 2) / 255)
        return maps.relu().mean(dim=(2, 3))


class Source:
    entry = ENTRY

    def module(self) -> nn.Module:
        return Tiny()


def test_a_torch_module_becomes_a_file_that_says_the_same() -> None:
    own = from_torch("tiny", Source())
    assert own.entry.models == {"fp32": "tiny.onnx"}
    assert own.parity is not None and own.parity.cosine > 0.99999


def test_a_source_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "my_tiny.py").write_text("class Nothing:\n    pass\nvalue = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="encoder 'my_tiny:Nothing' is Nothing; expected"):
        own_encoder("tiny", "my_tiny:Nothing", None, "MIT")
    with pytest.raises(ConfigError, match="'my_tiny:absent' cannot be imported"):
        own_encoder("tiny", "my_tiny:absent", None, "MIT")
    with pytest.raises(ConfigError, match="'no_such_module:x' cannot be imported"):
        own_encoder("tiny", "no_such_module:x", None, "MIT")


def write(path: Path, model: ModelProto) -> Path:
    onnx.save(model, path)
    return path


def speech_like(*, dim: int = 4, samples: int = 16_000, opset: int = 18) -> ModelProto:
    """One matrix product, behind a constant that can be folded away."""
    weights = np.random.default_rng(0).normal(size=(samples, dim)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["w", "two"], ["doubled"]),
            helper.make_node("MatMul", ["sound", "doubled"], ["out"]),
        ],
        "g",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["n", samples])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", dim])],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.array(2, np.float32), "two"),
        ],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def test_an_onnx_file_takes_over_the_streams_views(bundle: Bundle, tmp_path: Path) -> None:
    usual = bundle.manifest.streams["speech"]
    own = from_onnx(write(tmp_path / "mine.onnx", speech_like()), usual, "MIT")
    assert own.entry.views == usual.views
    assert own.entry.output.shape == ("batch", 4)
    assert own.entry.input.name == "sound"
    assert (own.entry.provenance.what, own.entry.provenance.licence) == ("mine.onnx", "MIT")


def test_constants_are_folded_where_that_leaves_fewer_nodes() -> None:
    assert len(onnx.load_from_string(simplified(speech_like())).graph.node) == 1


def test_an_older_opset_is_raised(bundle: Bundle, tmp_path: Path) -> None:
    usual = bundle.manifest.streams["speech"]
    own = from_onnx(write(tmp_path / "old.onnx", speech_like(opset=15)), usual, "MIT")
    assert [o.version for o in onnx.load_from_string(own.data).opset_import] == [18]


def test_a_file_for_a_stream_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing says how samples are cut"):
        from_onnx(tmp_path / "mine.onnx", None, "MIT")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (speech_like(samples=8_000), r"takes float32 \('batch', 8000\); expected float32"),
        (speech_like(opset=21), r"asks for opsets \{'': 21\}"),
    ],
    ids=["another input", "a newer opset"],
)
def test_a_file_that_breaks_the_contract_is_refused(
    model: ModelProto, words: str, bundle: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactError, match=words):
        from_onnx(write(tmp_path / "m.onnx", model), bundle.manifest.streams["speech"], "MIT")


def test_a_missing_part_of_an_external_file_is_named(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "parts.onnx"
    onnx.save(
        speech_like(), path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    usual = bundle.manifest.streams["speech"]
    assert from_onnx(path, usual, "MIT").data
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ArtifactError, match=r"parts.onnx .*weights.bin"):
        from_onnx(path, usual, "MIT")


def test_what_is_no_onnx_file_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    usual = bundle.manifest.streams["speech"]
    with pytest.raises(ConfigError, match="gone.onnx does not exist"):
        from_onnx(tmp_path / "gone.onnx", usual, "MIT")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ArtifactError, match="text.onnx cannot be read as ONNX"):
        from_onnx(tmp_path / "text.onnx", usual, "MIT")
