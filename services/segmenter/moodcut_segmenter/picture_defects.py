"""What makes a picture useless for a montage: nothing to see, text on a plain ground, nothing in focus. Pure.

Pictures are keyframes' size (short side 256), black bars left out. Thresholds were set by looking at some two thousand
pictures of real films and music videos: what is doubtful counts as usable.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

# Credits: a plain ground, and on it thin marks that lie in rows of many.
_PLAIN_LEVELS, _MARK_LEVELS = 15, 38  # distance from the ground, of 255
_LEAST_PLAIN, _LEAST_IN_LINES = 0.80, 0.70
_CARD_PLAIN, _CARD_IN_LINES = 0.97, 0.20  # a title or an emblem on an empty ground
_LEAST_MARKS, _MOST_THICK = 0.001, 0.05
_THICK_PIXELS = 9
_LINE_HEIGHT = 0.2  # of the picture's, at most
_MARKS_IN_A_ROW = 4
# Focus: how steep the steepest edges are against the contrast around them.
_BLOCK_PIXELS = 16
_LEAST_CONTRAST = 46  # of 255; less is fog, night or noise
_LEAST_BLOCKS = 8
_SHARPEST_SHARE = 0.05
_LEAST_STEEPNESS = 0.19


class Defect(IntEnum):
    """What is wrong with a picture. The values are stored."""

    NONE = 0
    BLANK = 1
    CREDITS = 2
    BLURRED = 3


def is_credits(luma: NDArray[np.uint8]) -> bool:
    """Whether a picture (brightness, uint8 [height, width]) is credits or a title card: text on a plain ground.

    Nearly all of it has one brightness; what stands out is thin, and lies in lines: low bands of rows each of which
    crosses many marks.
    """
    counts = np.bincount(luma.ravel(), minlength=256)
    near = np.convolve(counts, np.ones(5, np.int64), mode="same")
    ground = int(np.argmax(near))
    plain_share = counts[max(0, ground - _PLAIN_LEVELS) : ground + _PLAIN_LEVELS + 1].sum() / luma.size
    if plain_share < _LEAST_PLAIN:
        return False
    marks = np.abs(luma.astype(np.int16) - ground) > _MARK_LEVELS
    mark_count = int(marks.sum())
    if mark_count < _LEAST_MARKS * luma.size or _thick_count(marks) > _MOST_THICK * mark_count:
        return False
    in_lines = _in_lines_count(marks) / mark_count
    return bool(in_lines >= _LEAST_IN_LINES or (plain_share >= _CARD_PLAIN and in_lines >= _CARD_IN_LINES))


def is_blurred(luma: NDArray[np.uint8]) -> bool:
    """Whether no part of a picture (brightness, uint8 [height, width]) is in focus.

    Judged are blocks of 16 pixels with some contrast, each by its steepest step from pixel to pixel as a share of its
    contrast: about 0.7 in a sharp picture, below 0.2 where an edge is some twelve pixels wide. The sharpest twentieth
    decides, so that a sharp face before a soft background is in focus. Too little contrast is not judged.
    """
    size = _BLOCK_PIXELS
    if min(luma.shape) < size:
        return False
    whole = luma[: luma.shape[0] // size * size, : luma.shape[1] // size * size]
    contrast = _in_blocks(np.maximum, whole) - _in_blocks(np.minimum, whole)
    judged = contrast >= _LEAST_CONTRAST
    if int(judged.sum()) < _LEAST_BLOCKS:
        return False
    # Steps across the border of two blocks belong to neither.
    down, across = np.zeros_like(whole), np.zeros_like(whole)
    down[:-1] = np.maximum(whole[1:], whole[:-1]) - np.minimum(whole[1:], whole[:-1])
    down[size - 1 :: size] = 0
    across[:, :-1] = np.maximum(whole[:, 1:], whole[:, :-1]) - np.minimum(whole[:, 1:], whole[:, :-1])
    across[:, size - 1 :: size] = 0
    steepness = _in_blocks(np.maximum, np.maximum(down, across))[judged] / contrast[judged]
    return bool(np.quantile(steepness, 1.0 - _SHARPEST_SHARE) < _LEAST_STEEPNESS)


def _in_blocks(reduce: np.ufunc, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One value for every block of 16 by 16."""
    rows, columns = (length // _BLOCK_PIXELS for length in values.shape)
    by_row = reduce.reduce(values.reshape(rows, _BLOCK_PIXELS, -1), axis=1)
    return np.asarray(reduce.reduce(by_row.reshape(rows, columns, _BLOCK_PIXELS), axis=2), dtype=np.uint8)


def _thick_count(marks: NDArray[np.bool_]) -> int:
    """Pixels in the middle of squares that are marks throughout: none in thin strokes."""
    size = _THICK_PIXELS
    if min(marks.shape) < size:
        return 0
    sums = np.pad(marks, ((1, 0), (1, 0))).astype(np.int32).cumsum(axis=0).cumsum(axis=1)
    squares = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return int(np.count_nonzero(squares == size * size))


def _in_lines_count(marks: NDArray[np.bool_]) -> int:
    """Marked pixels in bands of rows, between rows that are empty, that look like lines of text."""
    in_row = marks.sum(axis=1)
    strokes = (marks[:, 1:] & ~marks[:, :-1]).sum(axis=1) + marks[:, 0]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], in_row > 1, [False])).astype(np.int8)))
    return sum(
        int(in_row[start:end].sum())
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        if 3 <= end - start <= _LINE_HEIGHT * len(in_row) and np.median(strokes[start:end]) >= _MARKS_IN_A_ROW
    )
