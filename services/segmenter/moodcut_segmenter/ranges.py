"""How a film is divided for analysis. Pure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# What a range keeps in memory grows with it: no longer than that a film's length would show.
RANGE_FRAMES = 1500
# Ranges that share a keyframe decode the same frames again: so many times as long, and so fewer, they cost less.
_SHARED_LENGTH = 3
# Enough ranges that several segmenters end at about the same time, none so short that its context weighs.
RANGE_COUNT, _SHORT_RANGE_FRAMES = 16, 1000


def plan_ranges(
    frame_count: int,
    *,
    alignment_frames: int,
    context_frames: int = 0,
    range_frames: int = RANGE_FRAMES,
    range_count: int = RANGE_COUNT,
    keyframes: NDArray[np.int64] | None = None,
) -> list[tuple[int, int]]:
    """Half-open ranges that tile a film, on multiples of the detector's alignment.

    They have about ``range_frames``, fewer in a film so short that it would give less than ``range_count`` of them.
    With ``keyframes`` (int64, increasing) each range begins where decoding, from the last keyframe before its context,
    wastes the fewest frames. Where there are fewer keyframes than ranges, these are up to three times as long: all of
    them are decoded from the few keyframes, or from the film's beginning without any. One range if the detector has to
    see the whole film (alignment 0).
    """
    if frame_count < 1:
        raise ValueError("a film has at least one frame")
    if alignment_frames == 0:
        return [(0, frame_count)]
    count = max(-(-frame_count // range_frames), min(range_count, -(-frame_count // _SHORT_RANGE_FRAMES)))
    if keyframes is not None:
        count = min(count, max(len(keyframes), -(-frame_count // (_SHARED_LENGTH * range_frames))))
    step = -(-frame_count // (count * alignment_frames)) * alignment_frames
    starts = list(range(0, frame_count, step))
    if keyframes is not None and len(keyframes):
        reach = step // (8 * alignment_frames)
        starts[1:] = [
            _cheapest_start(start, alignment_frames, reach, context_frames, keyframes) for start in starts[1:]
        ]
    return list(pairwise([*(start for start in starts if start < frame_count), frame_count]))


def _cheapest_start(start: int, alignment: int, reach: int, context: int, keyframes: NDArray[np.int64]) -> int:
    """The frame at most ``reach`` alignments from ``start`` whose context begins soonest after a keyframe."""
    nearest_first = sorted(range(-reach, reach + 1), key=abs)
    candidates = start + np.array(nearest_first, dtype=np.int64) * alignment
    first = np.maximum(candidates - context, 0)
    wasted = first - keyframes[np.searchsorted(keyframes, first, side="right") - 1]
    return int(candidates[np.argmin(wasted)])
