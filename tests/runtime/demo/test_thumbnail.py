from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from headstart.runtime.demo.thumbnail import jpeg_data_uri


@pytest.mark.parametrize(
    ("size", "shrunk"), [((480, 640), (180, 240)), ((30, 40), (30, 40)), ((1, 5000), (1, 240))]
)
def test_a_picture_is_shrunk_to_the_width_and_keeps_its_colour(
    size: tuple[int, int], shrunk: tuple[int, int]
) -> None:
    pixels = np.full((*size, 3), (200, 40, 20), np.uint8)

    kind, data = jpeg_data_uri(pixels).split(",")

    raw = np.frombuffer(base64.b64decode(data), np.uint8)
    decoded = cv2.imdecode(raw, cv2.IMREAD_COLOR)
    assert kind == "data:image/jpeg;base64"
    assert decoded is not None and decoded.shape == (*shrunk, 3)
    np.testing.assert_allclose(decoded[0, 0, ::-1], (200, 40, 20), atol=6)
