"""Frames that the clock says are lost."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from moodcut_kit.time import FrameTimes
from moodcut_segmenter.clock_gaps import skipped_frames


def _times(steps: list[int]) -> FrameTimes:
    return FrameTimes(Fraction(1, 1000), np.concatenate(([0], np.cumsum(steps))).astype(np.int64))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([40] * 100, (0, 0)),
        ([33, 34, 33] * 30, (0, 0)),
        ([41, 42, 42] * 30, (0, 0)),
        ([40] * 50 + [480] + [40] * 20 + [80] + [40] * 30, (12, 2)),
        ([40, 80] * 40, (0, 0)),
        ([20, 40, 60] * 30, (0, 0)),
        ([40], (0, 0)),
        ([1] * 50 + [4] + [1] * 50, (3, 1)),
        ([40] * 50 + [80], (0, 0)),
        ([40] * 50 + [7], (0, 0)),
    ],
)
def test_lost_frames(steps: list[int], expected: tuple[int, int]) -> None:
    assert skipped_frames(_times(steps)) == expected
