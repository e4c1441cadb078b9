"""Black bars beside a film's picture: rows and columns that stay black. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLACK = 30  # of 255: black with its noise
_ALIKE = 0.01  # bars of a pair differ by no more, as a share of the side
_NARROWEST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureArea:
    """A part of the picture as shown, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    def scaled(self, *, from_size: tuple[int, int], to_size: tuple[int, int]) -> PictureArea:
        """The same part of the picture in another size (width, height): the pixels that lie in it wholly."""
        left, right = _inner(self.left, self.left + self.width, to_size[0] / from_size[0], to_size[0])
        top, bottom = _inner(self.top, self.top + self.height, to_size[1] / from_size[1], to_size[1])
        return PictureArea(left=left, top=top, width=right - left, height=bottom - top)


def picture_area(row_peaks: NDArray[np.uint8], column_peaks: NDArray[np.uint8]) -> PictureArea:
    """What is left of a picture without its black bars.

    ``row_peaks`` (uint8 [height]) and ``column_peaks`` (uint8 [width]): the brightest luma of every row and column over
    all pictures of the film. Bars come in pairs of about the same width; dark margins that do not are picture.
    """
    top, bottom = _bars(row_peaks)
    left, right = _bars(column_peaks)
    height, width = len(row_peaks), len(column_peaks)
    return PictureArea(left=left, top=top, width=width - left - right, height=height - top - bottom)


def _bars(peaks: NDArray[np.uint8]) -> tuple[int, int]:
    lit = np.flatnonzero(peaks > _BLACK)
    if not len(lit):
        return 0, 0
    first, last, count = int(lit[0]), int(len(peaks) - 1 - lit[-1]), len(peaks)
    if min(first, last) < _NARROWEST * count:
        return 0, 0
    if abs(first - last) > max(1.0, _ALIKE * count):
        first = last = min(first, last)
    # The row where the picture begins may be half a bar.
    return first + 1, last + 1


def _inner(start: int, end: int, scale: float, count: int) -> tuple[int, int]:
    # A thousandth of a pixel is rounding, not picture.
    low, high = math.ceil(start * scale - 1e-3), math.floor(end * scale + 1e-3)
    low = min(max(low, 0), count - 1)
    return low, min(max(high, low + 1), count)
