"""Black bars beside the picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from moodcut_segmenter.letterbox import PictureArea, picture_area


def _peaks(first: int, lit: int, last: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.array([16] * first + [200] * lit + [17] * last, np.uint8)


def test_bars_above_and_below() -> None:
    area = picture_area(_peaks(32, 192, 32), _peaks(0, 455, 0))
    assert area == PictureArea(left=0, top=33, width=455, height=190)


def test_bars_left_and_right() -> None:
    area = picture_area(_peaks(0, 256, 0), _peaks(57, 341, 57))
    assert area == PictureArea(left=58, top=0, width=339, height=256)


def test_what_is_on_one_side_only_is_picture() -> None:
    assert picture_area(_peaks(40, 216, 0), _peaks(0, 455, 0)).height == 256
    assert picture_area(_peaks(60, 176, 20), _peaks(0, 455, 0)) == PictureArea(left=0, top=21, width=455, height=214)


def test_a_black_film_has_no_bars() -> None:
    assert picture_area(_peaks(256, 0, 0), _peaks(455, 0, 0)) == PictureArea(left=0, top=0, width=455, height=256)


@given(top=st.integers(0, 100), left=st.integers(0, 150), width=st.integers(100, 4000), height=st.integers(100, 4000))
def test_the_part_in_another_size_holds_no_bar(top: int, left: int, width: int, height: int) -> None:
    area = PictureArea(left=left, top=top, width=455 - 2 * left, height=256 - 2 * top)
    scaled = area.scaled(from_size=(455, 256), to_size=(width, height))
    assert scaled.left >= left * width / 455 - 0.01
    assert scaled.top >= top * height / 256 - 0.01
    assert scaled.left + scaled.width <= max((455 - left) * width / 455 + 0.01, scaled.left + 1)
    assert scaled.top + scaled.height <= max((256 - top) * height / 256 + 0.01, scaled.top + 1)
    assert 0 <= scaled.left < scaled.left + scaled.width <= width
    assert 0 <= scaled.top < scaled.top + scaled.height <= height
    assert area.scaled(from_size=(455, 256), to_size=(455, 256)) == area
