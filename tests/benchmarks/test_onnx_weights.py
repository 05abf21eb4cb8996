from __future__ import annotations

import numpy as np
import pytest

from headstart.benchmarks.onnx_weights import read_weights
from headstart.bundles import STARTER_PATH


@pytest.mark.parametrize("stream", ["image", "sound", "speech"])
def test_the_weights_are_those_that_the_onnx_package_reads(stream: str) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the export extra")
    loaded = onnx.load(STARTER_PATH / f"{stream}.onnx")
    expected = {
        t.name: onnx.numpy_helper.to_array(t)
        for t in loaded.graph.initializer
        if t.data_type == onnx.TensorProto.FLOAT and t.raw_data
    }
    found = read_weights((STARTER_PATH / f"{stream}.onnx").read_bytes())
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x3a\xff\x01cut"], ids=range(3))
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_weights(data)
