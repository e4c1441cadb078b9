"""Which part of a shot shows something, where black or credits lie in the middle of it. Pure.

A detector may miss the fades around a title: then picture, black, text and picture again are one shot.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.shots import ShotSpan, runs

# A strobe or a blink is shorter: about three quarters of a second.
_LEAST_SAMPLES = 3


def longest_shown_part(span: ShotSpan, sample_frames: NDArray[np.int64], empty: NDArray[np.bool_]) -> ShotSpan:
    """The shot with its usable part narrowed to the longest stretch between long runs of empty samples.

    ``sample_frames`` (int64 [n], increasing) are frames that were looked at, ``empty`` (bool [n]) says in which there
    was nothing to show. A shot without such a run, or without anything else, stays as it is.
    """
    inside = (sample_frames >= span.usable_start_frame) & (sample_frames < span.usable_end_frame)
    frames, nothing = sample_frames[inside], empty[inside]
    gaps = [(start, end) for start, end in runs(nothing) if end - start >= _LEAST_SAMPLES]
    if not gaps or bool(nothing.all()):
        return span
    starts = [0, *(end for _, end in gaps)]
    ends = [*(start for start, _ in gaps), len(frames)]
    start, end = max(zip(starts, ends, strict=True), key=lambda part: part[1] - part[0])
    return replace(
        span,
        usable_start_frame=int(frames[start]) if start else span.usable_start_frame,
        usable_end_frame=int(frames[end - 1]) + 1 if end < len(frames) else span.usable_end_frame,
    )
