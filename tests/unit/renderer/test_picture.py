"""Decoded frames as the encoder gets them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

from moodcut_kit.media.video import VideoInfo
from moodcut_renderer.picture import FrameShaper, colour_tags


def info(width: int, height: int, *, aspect: Fraction = Fraction(1), rotation: int = 0) -> VideoInfo:
    shown = (round(width * aspect), height)
    shown = shown if rotation % 180 == 0 else shown[::-1]
    return VideoInfo(
        width=width,
        height=height,
        display_width=shown[0],
        display_height=shown[1],
        rotation_degrees=rotation,
        pixel_aspect_ratio=aspect,
        codec="h264",
        pixel_format="yuv420p",
    )


def picture(width: int, height: int) -> VideoFrame:
    """Grey levels that differ in every 4 x 4 block's place."""
    rows, columns = np.indices((height, width)) // 4
    luma = (16 + (rows * 37 + columns * 11) % 200).astype(np.uint8)
    chroma = np.full((height // 2, width), 128, dtype=np.uint8)
    return VideoFrame.from_ndarray(np.vstack([luma, chroma]), format="yuv420p")


def luma_of(data: bytes, shaper: FrameShaper) -> np.ndarray:
    return np.frombuffer(data, dtype=np.uint8)[: shaper.width * shaper.height].reshape(shaper.height, shaper.width)


def test_a_usual_frame_passes_untouched() -> None:
    frame = picture(64, 36)
    shaper = FrameShaper(info(64, 36))
    assert (shaper.width, shaper.height) == (64, 36)
    assert shaper.to_bytes(frame) == frame.to_ndarray().tobytes()


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_film_comes_out_upright(rotation: int) -> None:
    frame = picture(64, 36)
    shaper = FrameShaper(info(64, 36, rotation=rotation))
    assert (shaper.width, shaper.height) == ((36, 64) if rotation != 180 else (64, 36))
    data = shaper.to_bytes(frame)
    assert len(data) == 64 * 36 * 3 // 2
    np.testing.assert_array_equal(luma_of(data, shaper), np.rot90(frame.to_ndarray()[:36], rotation // 90))


def test_an_odd_size_loses_one_row_and_column_and_no_sharpness() -> None:
    levels = np.random.default_rng(1).integers(16, 235, (3, 37, 65), dtype=np.uint8)
    frame = VideoFrame.from_ndarray(levels, format="yuv444p")
    frame.color_range = ColorRange.MPEG
    shaper = FrameShaper(info(65, 37))
    assert (shaper.width, shaper.height) == (64, 36)
    np.testing.assert_array_equal(luma_of(shaper.to_bytes(frame), shaper), levels[0, :36, :64])


def test_wide_pixels_become_square() -> None:
    shaper = FrameShaper(info(72, 58, aspect=Fraction(16, 11)))
    assert (shaper.width, shaper.height) == (104, 58)
    assert len(shaper.to_bytes(picture(72, 58))) == 104 * 58 * 3 // 2


def test_full_range_becomes_limited() -> None:
    frame = VideoFrame.from_ndarray(np.full((54, 64), 255, dtype=np.uint8), format="yuv420p")
    frame.color_range = ColorRange.JPEG
    shaper = FrameShaper(info(64, 36))
    assert set(luma_of(shaper.to_bytes(frame), shaper).ravel().tolist()) == {235}


def test_ten_bits_become_eight() -> None:
    frame = picture(64, 36).reformat(format="yuv420p10le")
    shaper = FrameShaper(info(64, 36))
    difference = luma_of(shaper.to_bytes(frame), shaper).astype(int) - picture(64, 36).to_ndarray()[:36]
    assert np.abs(difference).max() <= 1


def test_a_frame_of_another_size_on_the_way_is_fitted() -> None:
    shaper = FrameShaper(info(64, 36))
    assert len(shaper.to_bytes(picture(128, 72))) == 64 * 36 * 3 // 2


@pytest.mark.parametrize(
    ("size", "matrix", "expected"),
    [((640, 360), 2, (6, 6, 6)), ((1280, 720), 2, (1, 1, 1)), ((640, 360), 1, (1, 1, 1)), ((640, 360), 9, (9, 9, 1))],
)
def test_colours_are_tagged_as_they_are_or_as_is_usual(
    size: tuple[int, int], matrix: int, expected: tuple[int, int, int]
) -> None:
    frame = picture(*size)
    frame.colorspace = matrix
    tags = colour_tags(frame)
    assert (tags.matrix, tags.primaries, tags.transfer) == expected
