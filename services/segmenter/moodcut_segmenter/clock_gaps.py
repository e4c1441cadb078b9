"""Frames that a film's clock says are not there: lost packets leave no other trace in some containers. Pure."""

from __future__ import annotations

import numpy as np

from moodcut_kit.time import FrameTimes

_REGULAR_SHARE = 0.9
_TOLERANCE = 0.1  # of a step: containers round to milliseconds
_LEAST_TOLERANCE_TICKS = 1


def skipped_frames(times: FrameTimes) -> tuple[int, int]:
    """(frames, places) that are absent from a film of otherwise constant rate; (0, 0) for one of variable rate.

    How long the last frame lasts says nothing.
    """
    steps = np.diff(times.boundaries_pts[:-1])
    if not len(steps):
        return 0, 0
    usual = int(np.median(steps))
    regular = np.abs(steps - usual) <= max(_LEAST_TOLERANCE_TICKS, _TOLERANCE * usual)
    if regular.mean() < _REGULAR_SHARE:
        return 0, 0
    lost = np.rint(steps[~regular] / usual).astype(np.int64) - 1
    return int(lost[lost > 0].sum()), int(np.count_nonzero(lost > 0))
