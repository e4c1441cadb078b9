"""Cheap measures of how a film changes from one small picture to the next. Pure.

Row t of everything here is about the step from frame t to frame t + 1. Each measure compares the two frames that lie an
offset before and after that step: a cut shows in all offsets alike, motion grows with the offset, a flash is gone at
the larger ones, a dissolve shows only there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OFFSETS = (0, 1, 2, 4, 8)
NEIGHBOURS = (-12, -8, -6, -4, -3, -2, -1, 1, 2, 3, 4, 6, 8, 12)
MEASURE_COUNT = 7 * len(OFFSETS) + 3
CONTEXT_FRAMES = max(NEIGHBOURS) + max(OFFSETS) + 1
"""How far before and after a step the frames lie that its row of :func:`inputs` depends on."""

_CHANGED = 24
_BLOCK_ROWS, _BLOCK_COLUMNS = 3, 4
_CALM_BLOCKS = (2, 6)
_SHIFT_ROWS, _SHIFT_COLUMNS = 2, 3
_LEVELS = 16
# What is also looked at in the steps around: change, calm part, changed share, colours, motion-tolerant change, and
# correlation at every offset.
_SEEN_AROUND = (0, 1, 3, 4, 7 * len(OFFSETS), *range(6, 7 * len(OFFSETS), 7))
_FLOOR = 0.003


def measures(frames: NDArray[np.uint8]) -> Floats:
    """Measures of each step: float32 [n, 38], all from 0 to about 1. ``frames``: uint8 [n, height, width, 3], RGB.

    Beyond either end the first and last frame are repeated. The columns, for each of OFFSETS: mean change of a pixel;
    change of the third and the seventh calmest of twelve blocks; share of pixels that change by a tenth; distance of
    colour histograms (64 bins); distance of the channels' cumulative histograms; one minus the correlation of
    brightness (damped where there is little contrast). Then: change of brightness that a shift by a few pixels does
    not explain, mean brightness, contrast.
    """
    count = len(frames)
    gray = _gray(frames)
    flat = gray.reshape(count, -1).astype(np.float32)
    mean, contrast = flat.mean(axis=1), flat.std(axis=1)
    normal = (flat - mean[:, None]) / (contrast[:, None] + 4.0)
    colours, levels = _colours(frames), _levels(frames)
    planes = np.ascontiguousarray(np.moveaxis(frames, 3, 0))
    steps = np.arange(count)
    columns: list[NDArray[np.floating[Any]]] = []
    for offset in OFFSETS:
        before, after = np.maximum(steps - offset, 0), np.minimum(steps + 1 + offset, count - 1)
        change = _change(planes, before, after)
        blocks = np.sort(_blocks(change), axis=1)[:, _CALM_BLOCKS]
        columns += [
            change.reshape(count, -1).mean(axis=1) / (3 * 255),
            *(blocks.T / (3 * 255)),
            (change > 3 * _CHANGED).reshape(count, -1).mean(axis=1),
            np.abs(colours[after] - colours[before]).sum(axis=1) / 2,
            np.abs(levels[after] - levels[before]).mean(axis=1),
            1 - np.einsum("np,np->n", normal[before], normal[after]) / flat.shape[1],
        ]
    columns += [_unexplained(gray) / 255, mean / 255, contrast / 255]
    return np.stack(columns, axis=1).astype(np.float32)


def inputs(found: Floats) -> Floats:
    """What the classifier reads: float32 [n, 178], the logarithm of each step's measures and of some around it."""
    logs = np.log(np.maximum(found, 0) + _FLOOR, dtype=np.float32)
    steps = np.arange(len(found))
    around = [logs[np.clip(steps + shift, 0, len(found) - 1)][:, _SEEN_AROUND] for shift in NEIGHBOURS]
    return np.concatenate([logs, *around], axis=1)


def _gray(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    wide = frames.astype(np.uint16)
    weighted = wide[..., 0] * np.uint16(77) + wide[..., 1] * np.uint16(150) + wide[..., 2] * np.uint16(29)
    return np.asarray(weighted >> 8, dtype=np.uint8)


def _absolute(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(np.maximum(one, other) - np.minimum(one, other), dtype=np.uint8)


def _change(planes: NDArray[np.uint8], before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.uint16]:
    """How far each pixel's three channels together are apart: uint16 [n, height, width]. ``planes``: [3, n, ...]."""
    red, green, blue = (_absolute(plane[before], plane[after]).astype(np.uint16) for plane in planes)
    return red + green + blue


def _blocks(change: NDArray[np.uint16]) -> Floats:
    """Mean change of 3 x 4 blocks: [n, 12]. Rows and columns that do not divide evenly go to no block."""
    count, height, width = change.shape
    rows, columns = height // _BLOCK_ROWS, width // _BLOCK_COLUMNS
    inner = change[:, : rows * _BLOCK_ROWS, : columns * _BLOCK_COLUMNS]
    strips = inner.reshape(count, _BLOCK_ROWS, rows, -1).sum(axis=2, dtype=np.uint32)
    sums = strips.reshape(count, _BLOCK_ROWS * _BLOCK_COLUMNS, columns).sum(axis=2)
    return np.asarray(sums / (rows * columns), dtype=np.float32)


def _colours(frames: NDArray[np.uint8]) -> Floats:
    """Shares of 64 colours, two bits a channel: [n, 64]."""
    high = frames >> 6
    return _shares((high[..., 0] << 4) | (high[..., 1] << 2) | high[..., 2], 64)


def _levels(frames: NDArray[np.uint8]) -> Floats:
    """Cumulative shares of 16 levels of each channel: [n, 48]."""
    parts = [np.cumsum(_shares(frames[..., channel] >> 4, _LEVELS), axis=1) for channel in range(3)]
    return np.concatenate(parts, axis=1)


def _shares(bins: NDArray[np.integer[Any]], bin_count: int) -> Floats:
    count = len(bins)
    flat = bins.reshape(count, -1)
    numbered = flat + np.arange(count, dtype=np.int64)[:, None] * bin_count
    counts = np.bincount(numbered.ravel(), minlength=count * bin_count).reshape(count, bin_count)
    return np.asarray(counts / flat.shape[1], dtype=np.float32)


def _unexplained(gray: NDArray[np.uint8]) -> Floats:
    """Mean change of brightness to the next frame, after the best shift by up to two rows and three columns: [n]."""
    after = gray[np.minimum(np.arange(1, len(gray) + 1), len(gray) - 1)]
    height, width = gray.shape[1:]
    rows, columns = _SHIFT_ROWS, _SHIFT_COLUMNS
    target = after[:, rows : height - rows, columns : width - columns]
    best = np.full(len(gray), np.iinfo(np.uint32).max, dtype=np.uint32)
    for down in range(2 * rows + 1):
        for right in range(2 * columns + 1):
            shifted = gray[:, down : height - 2 * rows + down, right : width - 2 * columns + right]
            apart = _absolute(shifted, target).reshape(len(gray), -1).sum(axis=1, dtype=np.uint32)
            best = np.minimum(best, apart)
    return np.asarray(best / (target.shape[1] * target.shape[2]), dtype=np.float32)
