from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
pytest.importorskip("onnxscript", reason="needs the export extra")
import onnxruntime
from torch import Tensor, nn

from headstart.export.onnx_export import export_onnx
from headstart.runtime.bundle.onnx_scan import scan_onnx


class Tiny(nn.Module):
    """uint8 ``(batch, 4, 4, 3)`` → ``(batch, 2)``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)
        with torch.no_grad():
            self.conv.weight.copy_(torch.arange(54.0).reshape(2, 3, 3, 3) / 54)
            assert self.conv.bias is not None
            self.conv.bias.fill_(0.5)

    def forward(self, pixels: Tensor) -> Tensor:
        maps: Tensor = self.conv(pixels.to(torch.float32).permute(0, 3, 1, 2))
        return maps.mean(dim=(2, 3))


@pytest.fixture(scope="module")
def exported() -> bytes:
    example = torch.zeros((2, 4, 4, 3), dtype=torch.uint8)
    return export_onnx(Tiny().eval(), example, input_name="image", output_name="embedding")


def test_the_file_gives_what_the_module_gives_for_any_batch(exported: bytes) -> None:
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    for batch in (1, 2, 5):
        pixels = np.random.default_rng(batch).integers(0, 256, (batch, 4, 4, 3), dtype=np.uint8)
        expected = Tiny().eval()(torch.from_numpy(pixels)).detach().numpy()
        (found,) = session.run(["embedding"], {"image": pixels})
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_file_is_opset_18_in_the_standard_domain(exported: bytes) -> None:
    facts = scan_onnx(exported)
    assert (facts.opset, facts.foreign_domains, facts.external_data) == (18, frozenset(), False)


def test_the_file_holds_no_path_and_is_the_same_every_time(exported: bytes) -> None:
    assert b"test_onnx_export" not in exported
    example = torch.ones((3, 4, 4, 3), dtype=torch.uint8)
    again = export_onnx(Tiny().eval(), example, input_name="image", output_name="embedding")
    assert again == exported


def test_a_module_in_train_mode_is_refused() -> None:
    with pytest.raises(ValueError, match=r"call .eval\(\) first"):
        export_onnx(Tiny(), torch.zeros(2, 4, 4, 3), input_name="x", output_name="y")
