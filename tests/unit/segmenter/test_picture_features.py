"""Features of small pictures."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from moodcut_segmenter.picture_features import COLOUR_COUNT, FEATURE_COUNT, LAYOUT_COUNT, darkness, picture_features


def _flat(red: int, green: int, blue: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    return np.full((36, 64, 3), (red, green, blue), dtype=np.uint8)


@pytest.mark.parametrize("colour", [(250, 10, 10), (20, 200, 30), (10, 30, 220), (200, 200, 40), (128, 128, 128)])
def test_a_flat_picture_fills_the_bin_of_its_colour(colour: tuple[int, int, int]) -> None:
    found = picture_features(_flat(*colour))
    hue, saturation, value = colorsys.rgb_to_hsv(*(each / 255 for each in colour))
    expected = (int(hue * 16) * 4 + min(int(saturation * 4), 3)) * 4 + min(int(value * 4), 3)
    assert found.shape == (FEATURE_COUNT,)
    assert found[expected] == 1.0
    assert np.count_nonzero(found[:COLOUR_COUNT]) == 1
    assert np.allclose(found[COLOUR_COUNT + LAYOUT_COUNT :], 0.0)


def test_layout_says_where_it_is_bright() -> None:
    picture = _flat(0, 0, 0)
    picture[:, 32:] = 255
    layout = picture_features(picture)[COLOUR_COUNT : COLOUR_COUNT + LAYOUT_COUNT].reshape(6, 8, 3)
    assert np.allclose(layout[:, :4, 0], 0.0)
    assert np.allclose(layout[:, 4:, 0], 1.0, atol=1e-3)


def test_histograms_have_length_one() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (36, 64, 3), dtype=np.uint8)
    assert np.square(picture_features(picture)[:COLOUR_COUNT]).sum() == pytest.approx(1.0, abs=1e-4)


def test_black_and_flat_pictures_are_blank() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (36, 64, 3), dtype=np.uint8)
    assert darkness(_flat(8, 8, 8)).is_blank
    assert darkness(_flat(250, 250, 250)).is_blank
    assert not darkness(noise).is_blank
    assert darkness((noise // 12).astype(np.uint8)).is_blank


def test_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="36, 64"):
        picture_features(np.zeros((10, 10, 3), np.uint8))
