from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
from torch import nn

from headstart.training.encoders.efficientnet_lite import LITE0, LITE2, EfficientNetLite, Variant


def widths(model: EfficientNetLite) -> list[int]:
    """The output channels of every block."""
    convs = (block.get_submodule("project.conv") for block in model.blocks)
    return [conv.out_channels for conv in convs if isinstance(conv, nn.Conv2d)]


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        (LITE0, {16: 1, 24: 2, 40: 2, 80: 3, 112: 3, 192: 4, 320: 1}),
        (LITE2, {16: 1, 24: 3, 48: 3, 88: 4, 120: 4, 208: 5, 352: 1}),
    ],
    ids=["lite0", "lite2"],
)
def test_blocks_and_channels_are_those_of_the_published_variant(
    variant: Variant, expected: dict[int, int]
) -> None:
    found = widths(EfficientNetLite(variant))
    assert found == [width for width, count in expected.items() for _ in range(count)]


def test_lite0_has_the_published_number_of_weights() -> None:
    assert sum(p.numel() for p in EfficientNetLite().parameters()) == 4_652_008


@pytest.mark.parametrize("variant", [LITE0, LITE2], ids=["lite0", "lite2"])
def test_pictures_of_the_variants_side_become_embeddings(variant: Variant) -> None:
    side = variant.side_px
    pixels = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    with torch.inference_mode():
        found = EfficientNetLite(variant).eval()(pixels)
    assert (found.shape, found.dtype) == ((2, 1280), torch.float32)


def test_folding_the_batch_norms_changes_nothing() -> None:
    torch.manual_seed(0)
    model = EfficientNetLite().eval()
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None:
            part.running_mean.uniform_(-0.1, 0.1)
    pixels = torch.randint(0, 256, (1, 224, 224, 3), dtype=torch.uint8)
    with torch.inference_mode():
        before = model(pixels)
        after = model.fold()(pixels)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in model.modules())


def test_a_state_dict_with_a_tensor_missing_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Missing key"):
        EfficientNetLite().load({"_fc.bias": torch.zeros(1000)})
