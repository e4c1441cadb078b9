from __future__ import annotations

import av
import numpy as np
import pytest

from moodcut_kit.media.picture import PictureConverter, Scaling, upright

# Luma weights of red and blue (ITU-R BT.601, BT.709, BT.2020) by the number a frame names them with (ITU-T H.273).
_WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
_COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 100, 50), (255, 255, 255), (0, 0, 0)]


def _frame(
    colour: tuple[int, int, int], weights: tuple[float, float], *, full: bool, size: tuple[int, int]
) -> av.VideoFrame:
    red, green, blue = (value / 255 for value in colour)
    of_red, of_blue = weights
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    chroma = ((blue - luma) / 2 / (1 - of_blue), (red - luma) / 2 / (1 - of_red))
    black, luma_range, chroma_range = (0, 255, 255) if full else (16, 219, 224)
    values = [black + luma_range * luma, *(128 + chroma_range * each for each in chroma)]
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, value in zip(frame.planes, values, strict=True):
        plane.update(bytes([min(255, round(value))]) * plane.buffer_size)
    return frame


@pytest.mark.parametrize("colour", _COLOURS)
@pytest.mark.parametrize("matrix", _WEIGHTS)
@pytest.mark.parametrize("full", [True, False])
def test_matrix_and_range_are_respected(colour: tuple[int, int, int], matrix: int, full: bool) -> None:
    frame = _frame(colour, _WEIGHTS[matrix], full=full, size=(320, 180))
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    picture = PictureConverter(width=48, height=27).to_rgb(frame)
    assert (picture.shape, picture.dtype) == ((27, 48, 3), np.uint8)
    assert np.abs(picture.astype(int) - colour).max() <= 3


@pytest.mark.parametrize(("size", "matrix"), [((720, 576), 6), ((1280, 720), 1), ((1920, 800), 1), ((720, 400), 6)])
def test_a_frame_that_names_nothing(size: tuple[int, int], matrix: int) -> None:
    frame = _frame((0, 255, 0), _WEIGHTS[matrix], full=False, size=size)
    picture = PictureConverter(width=4, height=4).to_rgb(frame)
    assert np.abs(picture.astype(int) - (0, 255, 0)).max() <= 3


def test_red_is_first_rows_go_down_and_columns_right() -> None:
    pixels = np.zeros((180, 320, 3), dtype=np.uint8)
    pixels[:90, :160] = (255, 0, 0)
    pixels[90:, 160:] = (0, 0, 255)
    picture = PictureConverter(width=32, height=18).to_rgb(av.VideoFrame.from_ndarray(pixels, format="rgb24"))
    assert picture[2, 2].tolist() == [255, 0, 0]
    assert picture[15, 29].tolist() == [0, 0, 255]
    assert picture[2, 29].tolist() == [0, 0, 0]


def test_area_scaling_is_the_mean() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    picture = PictureConverter(width=64, height=36).to_rgb(av.VideoFrame.from_ndarray(pixels, format="rgb24"))
    mean = pixels.reshape(36, 10, 64, 10, 3).mean(axis=(1, 3))
    assert np.abs(picture - mean).max() <= 2


@pytest.mark.parametrize("scaling", ["area", "bilinear", "bicubic", "lanczos"])
def test_one_converter_for_many_frames(scaling: Scaling) -> None:
    converter = PictureConverter(width=20, height=10, scaling=scaling)
    for size in ((320, 180), (64, 64), (320, 180)):
        frame = _frame((200, 100, 50), _WEIGHTS[6], full=False, size=size)
        assert np.abs(converter.to_rgb(frame).astype(int) - (200, 100, 50)).max() <= 3


def test_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        PictureConverter(width=0, height=10)


def test_upright() -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert np.array_equal(upright(picture, 0), picture)
    assert upright(picture, 90).shape == (4, 2, 3)
    assert upright(picture, 90)[-1, 0].tolist() == picture[0, 0].tolist()
    assert np.array_equal(upright(upright(picture, 270), 90), picture)
    with pytest.raises(ValueError, match="multiple of 90"):
        upright(picture, 45)
