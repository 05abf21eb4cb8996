"""Pictures of every kind become RGB frames; what is not a whole picture is refused in words."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.runtime.sources.images import MAX_PIXELS, read_image

EXTENSIONS = (".jpg", ".png", ".webp", ".bmp", ".tiff")

# 32×32 px, left half red, right half blue; CMYK with an Adobe segment, written by Pillow.
CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OF"
    "BtUVdfYmdoZz5NcXlwZHhcZWdj/8AAFAgAIAAgBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAAIB//E"
    "ABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8A0Bn7P2gACfxQAAKAE/gAn8UAACgBP4AJ/FAAAoAT+A"
    "CfxQAAP//Z"
)


def picture() -> NDArray[np.uint8]:
    """RGB, 32 high and 48 wide: top red, bottom left green, bottom right blue."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16] = (255, 0, 0)
    pixels[16:, :24] = (0, 255, 0)
    pixels[16:, 24:] = (0, 0, 255)
    return pixels


def encoded(pixels: NDArray[np.generic], extension: str) -> bytes:
    """Encode RGB, RGBA or grey."""
    if pixels.ndim == 3:
        order = [2, 1, 0, 3][: pixels.shape[2]]
        pixels = np.ascontiguousarray(pixels[..., order])
    data: bytes = cv2.imencode(extension, pixels)[1].tobytes()  # type: ignore[arg-type]
    return data


def png(width: int, height: int, *chunks: tuple[bytes, bytes], colour: int = 2) -> bytes:
    """Write a PNG by hand: 8 bits a channel, with these chunks after the header."""
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + kind + body
        data += struct.pack(">I", zlib.crc32(kind + body))
    return data


def exif(orientation: int) -> bytes:
    """A TIFF block that holds nothing but an orientation."""
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 274, 3, 1, orientation, 0, 0)


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """A second implementation of the EXIF orientations, by OpenCV."""
    flips = {2: 1, 3: -1, 4: 0}
    if orientation in flips:
        return np.asarray(cv2.flip(pixels, flips[orientation]), np.uint8)
    if orientation in (6, 8):
        code = cv2.ROTATE_90_CLOCKWISE if orientation == 6 else cv2.ROTATE_90_COUNTERCLOCKWISE
        return np.asarray(cv2.rotate(pixels, code), np.uint8)
    if orientation == 5:
        return np.asarray(cv2.transpose(pixels), np.uint8)
    if orientation == 7:
        return np.asarray(cv2.flip(cv2.transpose(pixels), -1), np.uint8)
    return pixels


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tiff"])
def test_lossless_formats_keep_every_pixel(extension: str) -> None:
    frame = read_image(encoded(picture(), extension))
    np.testing.assert_array_equal(frame.pixels, picture())
    assert frame.time_s is None


@pytest.mark.parametrize("extension", [".jpg", ".webp"])
def test_lossy_formats_keep_the_colours(extension: str) -> None:
    pixels = read_image(encoded(picture(), extension)).pixels
    for row, column in ((6, 20), (25, 8), (25, 40)):
        np.testing.assert_allclose(pixels[row, column], picture()[row, column], atol=8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_png_is_applied(orientation: int) -> None:
    rows = np.pad(picture().reshape(32, -1), ((0, 0), (1, 0))).tobytes()
    data = png(48, 32, (b"eXIf", exif(orientation)), (b"IDAT", zlib.compress(rows)))
    np.testing.assert_array_equal(read_image(data).pixels, turned(picture(), orientation))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_jpeg_is_applied(orientation: int) -> None:
    plain = encoded(picture(), ".jpg")
    body = b"Exif\0\0" + exif(orientation)
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]
    expected = turned(read_image(plain).pixels, orientation)
    np.testing.assert_array_equal(read_image(data).pixels, expected)


def test_broken_exif_leaves_the_picture_upright() -> None:
    plain = encoded(picture(), ".jpg")
    body = b"Exif\0\0" + exif(6)[:12]
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]
    assert read_image(data).pixels.shape == (32, 48, 3)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    wide = picture().astype(np.uint16) * 257
    np.testing.assert_array_equal(read_image(encoded(wide, ".png")).pixels, picture())


def test_sixteen_bit_grey_is_scaled_and_rounded() -> None:
    wide = np.full((20, 20), 1000, np.uint16)
    assert (read_image(encoded(wide, ".png")).pixels == round(1000 / 257)).all()


def test_grey_becomes_three_equal_channels() -> None:
    pixels = read_image(encoded(np.full((20, 30), 77, np.uint8), ".png")).pixels
    assert pixels.shape == (20, 30, 3)
    assert (pixels == 77).all()


def test_transparent_parts_lie_on_white() -> None:
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[:, :10] = (200, 100, 0, 255)
    rgba[:, 10:20] = (200, 100, 0, 0)
    rgba[:, 20:] = (200, 100, 0, 51)
    pixels = read_image(encoded(rgba, ".png")).pixels
    assert pixels[0, 0].tolist() == [200, 100, 0]
    assert pixels[0, 15].tolist() == [255, 255, 255]
    # 51/255 = 0.2: 0.2·colour + 0.8·255
    assert pixels[0, 25].tolist() == [244, 224, 204]


def test_palette_is_looked_up() -> None:
    rows = np.pad(np.tile([[0, 1]], (16, 16)), ((0, 0), (1, 0))).astype(np.uint8)
    palette = bytes([10, 20, 30, 200, 150, 100])
    data = png(32, 16, (b"PLTE", palette), (b"IDAT", zlib.compress(rows.tobytes())), colour=3)
    pixels = read_image(data).pixels
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[0, 1].tolist() == [200, 150, 100]


def test_cmyk_jpeg_has_its_colours() -> None:
    pixels = read_image(CMYK_JPEG).pixels
    np.testing.assert_allclose(pixels[16, 4], (255, 0, 0), atol=6)
    np.testing.assert_allclose(pixels[16, 28], (0, 0, 255), atol=6)


def test_bytes_after_the_end_marker_are_ignored() -> None:
    # Phones append short films and depth maps.
    data = encoded(picture(), ".jpg")
    np.testing.assert_array_equal(
        read_image(data + b"more\xff\xd8").pixels, read_image(data).pixels
    )


def test_a_file_is_read_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(picture(), ".png"))
    np.testing.assert_array_equal(read_image(path).pixels, picture())


NOISE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
WHOLE = {extension: encoded(NOISE, extension) for extension in EXTENSIONS}


@pytest.mark.parametrize("extension", EXTENSIONS)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_picture_cut_off_anywhere_is_refused(extension: str, share: float) -> None:
    whole = WHOLE[extension]
    with pytest.raises(CaptureError, match=r"cut off|no picture that we know|empty"):
        read_image(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("extension", EXTENSIONS)
@given(at=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_flipped_byte_is_a_frame_or_our_error(extension: str, at: float, value: int) -> None:
    data = bytearray(WHOLE[extension])
    data[int(at * len(data))] = value
    try:
        frame = read_image(bytes(data))
    except CaptureError as error:
        assert "\n" not in str(error)
    else:
        assert frame.pixels.shape[2] == 3


def test_a_png_with_a_wrong_checksum_is_refused() -> None:
    data = bytearray(WHOLE[".png"])
    data[len(data) // 2] ^= 1
    with pytest.raises(CaptureError, match="checksum does not match: copy or take"):
        read_image(bytes(data))


def test_text_named_jpg_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("buy milk")
    with pytest.raises(CaptureError, match=r"notes\.jpg holds no picture.*expected JPEG, PNG"):
        read_image(path)


def test_heic_is_named() -> None:
    with pytest.raises(CaptureError, match=r"is HEIC, AVIF or video; expected JPEG.*convert it"):
        read_image(b"\0\0\0\x18ftypheic" + bytes(100))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    with pytest.raises(CaptureError, match=r"is empty \(0 bytes\)"):
        read_image(path)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (15, 100), (100, 15)])
def test_a_picture_too_small_to_show_anything_is_refused(height: int, width: int) -> None:
    data = encoded(np.zeros((height, width, 3), np.uint8), ".png")
    with pytest.raises(CaptureError, match=f"is {width}×{height} px; expected at least 16 px"):
        read_image(data)


def test_the_smallest_allowed_picture_is_read() -> None:
    assert read_image(encoded(np.zeros((16, 16, 3), np.uint8), ".png")).pixels.shape == (16, 16, 3)


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    with pytest.raises(CaptureError, match="expected at most 100 million pixels"):
        read_image(png(side, side, (b"IDAT", b"")))


def test_floating_point_pictures_are_refused() -> None:
    with pytest.raises(CaptureError, match="holds float32 values; expected 8 or 16 bits"):
        read_image(encoded(np.zeros((20, 20), np.float32), ".tiff"))


def test_a_whole_file_with_a_broken_body_is_refused() -> None:
    with pytest.raises(CaptureError, match="cannot be decoded"):
        read_image(png(20, 20, (b"IDAT", b"not deflate")))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"nowhere\.jpg does not exist"):
        read_image(tmp_path / "nowhere.jpg")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="is a folder or device; expected a picture file"):
        read_image(tmp_path)


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.png"
    path.write_bytes(WHOLE[".png"])

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CaptureError, match=r"cannot be read \(Permission denied\)"):
        read_image(path)
