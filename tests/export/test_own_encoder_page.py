"""The example of docs/own-encoder.md is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
pytest.importorskip("onnxscript", reason="needs the export extra")

from headstart.export.assembly import contents_of, with_own_encoders
from headstart.export.own_encoder import own_encoder
from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.encoders.onnxruntime import open_encoders

_PAGE = Path(__file__).parents[2] / "docs" / "own-encoder.md"


def test_the_pages_encoder_becomes_part_of_a_bundle(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n# my_encoder.py\n(.*?)```", _PAGE.read_text(), re.S)
    (tmp_path / "my_encoder.py").write_text(example)
    monkeypatch.syspath_prepend(str(tmp_path))
    own = own_encoder("image", "my_encoder:MyEncoder", None, "")

    contents = with_own_encoders(contents_of(bundle), {"image": own}, _photos(tmp_path / "photos"))
    contents.write(tmp_path / "my-bundle")

    mine = load_bundle(tmp_path / "my-bundle")
    encoder: Any = open_encoders(mine, ["image"], threads=1)["image"]
    assert encoder.encode(np.zeros((2, 96, 96, 3), np.uint8)).shape == (2, 64)
    assert mine.manifest.streams["image"].provenance.what == "My network"
    assert "cosine 0.99999" in mine.manifest.card["image fp32"] or (
        "cosine 1.0" in mine.manifest.card["image fp32"]
    )


def _photos(folder: Path) -> Path:
    import cv2

    folder.mkdir()
    for number in range(16):
        pixels = np.random.default_rng(number).integers(0, 256, (60, 60, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number:02d}.png"), pixels)
    return folder
