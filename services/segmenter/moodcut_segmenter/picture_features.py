"""What scenes are told apart by: colours, their layout and edges of a small picture; and how dark it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT = 64, 36
_HUES, _SATURATIONS, _VALUES = 16, 4, 4
_COLUMNS, _ROWS = 8, 6
_DIRECTIONS = 8
COLOUR_COUNT = _HUES * _SATURATIONS * _VALUES
LAYOUT_COUNT = _COLUMNS * _ROWS * 3
EDGE_COUNT = _DIRECTIONS + 2
FEATURE_COUNT = COLOUR_COUNT + LAYOUT_COUNT + EDGE_COUNT
# Rec. 709 luma and the two colour differences, so that brightness and colour are compared apart.
_LUMA = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True, slots=True)
class Darkness:
    """Brightness of a picture, 0 to 1: ``bright`` is exceeded by a fiftieth of its pixels only; ``spread`` is the
    distance between that and the value a fiftieth lies below."""

    bright: float
    spread: float

    @property
    def is_blank(self) -> bool:
        """Whether there is next to nothing to see: nearly black all over, or of one brightness all over."""
        return self.bright < 0.10 or self.spread < 0.04


def darkness(picture: NDArray[np.uint8]) -> Darkness:
    """Brightness of a picture (uint8 [height, width, 3], RGB)."""
    luma = (picture.astype(np.float64) @ _LUMA) / 255.0
    low, high = np.quantile(luma, (0.02, 0.98))
    return Darkness(float(high), float(high - low))


def picture_features(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Features of a picture (uint8 [36, 64, 3], RGB): float32 [410].

    First 256: square roots of a histogram of hue, saturation and value (16 x 4 x 4), so that distances are Hellinger's.
    Then 144: luma and two colour differences on a grid of 8 x 6. Then 10: mean and deviation of the gradient, and its
    strength in eight directions.
    """
    if picture.shape != (THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH, 3):
        raise ValueError(f"picture is {picture.shape}, not {(THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH, 3)}")
    rgb = picture.astype(np.float64) / 255.0
    luma = rgb @ _LUMA
    differences = np.stack((luma, rgb[..., 2] - luma, rgb[..., 0] - luma), axis=-1)
    cells = differences.reshape(_ROWS, THUMBNAIL_HEIGHT // _ROWS, _COLUMNS, THUMBNAIL_WIDTH // _COLUMNS, 3)
    return np.concatenate((_colours(rgb), cells.mean(axis=(1, 3)).ravel(), _edges(luma))).astype(np.float32)


def _colours(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    high, low = rgb.max(axis=-1), rgb.min(axis=-1)
    chroma = high - low
    safe = np.where(chroma > 0, chroma, 1.0)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    sector = np.where(
        high == red,
        ((green - blue) / safe) % 6.0,
        np.where(high == green, (blue - red) / safe + 2.0, (red - green) / safe + 4.0),
    )
    hue = np.where(chroma > 0, sector / 6.0, 0.0)
    saturation = chroma / np.where(high > 0, high, 1.0)
    place = _bins(hue, _HUES) * _SATURATIONS + _bins(saturation, _SATURATIONS)
    counted = np.bincount((place * _VALUES + _bins(high, _VALUES)).ravel(), minlength=COLOUR_COUNT)
    return np.asarray(np.sqrt(counted / counted.sum()), dtype=np.float64)


def _bins(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    return np.minimum((values * count).astype(np.int64), count - 1)


def _edges(luma: NDArray[np.float64]) -> NDArray[np.float64]:
    down, across = np.gradient(luma)
    strength = np.hypot(down, across)
    direction = np.arctan2(down, across) % np.pi
    binned = np.minimum((direction / np.pi * _DIRECTIONS).astype(np.int64), _DIRECTIONS - 1)
    by_direction = np.bincount(binned.ravel(), weights=strength.ravel(), minlength=_DIRECTIONS) / strength.size
    return np.concatenate(([strength.mean(), strength.std()], by_direction))
