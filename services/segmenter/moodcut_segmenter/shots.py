"""From transition probabilities to shots that tile a film. Pure.

The authors of TransNet V2 cut where the single-frame head passes 0.5: a run of such frames is one transition. The
all-frames head says how far a dissolve or fade reaches, and that part is left out of what a shot offers for use.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.5
HARD_CUT_FRAMES = 2


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of shot: ``cut_frame`` is the first frame of the later shot.

    ``start_frame`` to ``end_frame`` (half-open) belongs to neither shot alone; for a hard cut it is empty and lies at
    ``cut_frame``. At the film's very beginning or end there is only one shot, and ``cut_frame`` is 0 or the frame
    count.
    """

    start_frame: int
    cut_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True)
class ShotSpan:
    """Frames of a shot, half-open, and the part of it that no transition touches (empty: start equals end)."""

    start_frame: int
    end_frame: int
    usable_start_frame: int
    usable_end_frame: int

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return self.end_frame - self.start_frame

    @property
    def usable_frame_count(self) -> int:
        """Number of frames that no transition touches."""
        return self.usable_end_frame - self.usable_start_frame

    def moved(self, frames: int) -> ShotSpan:
        """The same shot, numbered from ``frames`` before."""
        return ShotSpan(
            self.start_frame + frames,
            self.end_frame + frames,
            self.usable_start_frame + frames,
            self.usable_end_frame + frames,
        )

    def keyframe_range(self) -> tuple[int, int]:
        """Where keyframes are taken: the usable part, or the whole shot if nothing of it is usable."""
        if self.usable_frame_count > 0:
            return self.usable_start_frame, self.usable_end_frame
        return self.start_frame, self.end_frame


def find_transitions(
    single: NDArray[np.floating], many: NDArray[np.floating], *, threshold: float = THRESHOLD
) -> list[Transition]:
    """Transitions of a film from its two probabilities per frame (both [frames]), in film order.

    A run of frames whose ``single`` passes ``threshold`` is one transition; its cut follows the run's most likely
    frame. The frames it covers are those around the run whose ``many`` passes too; one or two frames are a hard cut.
    """
    if single.shape != many.shape or single.ndim != 1:
        raise ValueError(f"single {single.shape} and many {many.shape} must be one-dimensional and equally long")
    frame_count = len(single)
    wide = runs((many > threshold) | (single > threshold))
    wide_starts = [start for start, _ in wide]
    found = []
    for start, end in runs(single > threshold):
        peak = start + int(np.argmax(single[start:end]))
        cut = 0 if start == 0 else min(peak + 1, frame_count)
        reach_start, reach_end = wide[int(np.searchsorted(wide_starts, start, side="right")) - 1]
        if 0 < cut < frame_count and reach_end - reach_start <= HARD_CUT_FRAMES:
            reach_start = reach_end = cut
        found.append(Transition(reach_start, cut, max(reach_end, cut)))
    return found


def shots_from_transitions(transitions: Sequence[Transition], frame_count: int) -> list[ShotSpan]:
    """Shots that tile ``frame_count`` frames, cut at ``transitions`` (in film order). At least one shot."""
    if frame_count < 1:
        raise ValueError("a film has at least one frame")
    inner = [each for each in transitions if 0 < each.cut_frame < frame_count]
    starts = [0, *(each.cut_frame for each in inner)]
    ends = [*(each.cut_frame for each in inner), frame_count]
    cuts = [each.cut_frame for each in transitions]
    reached = list(accumulate((each.end_frame for each in transitions), max, initial=0))
    begun = list(accumulate((each.start_frame for each in reversed(transitions)), min, initial=frame_count))
    shots = []
    for start, end in zip(starts, ends, strict=True):
        usable_start = min(max(start, reached[bisect_right(cuts, start)]), end)
        usable_end = min(end, begun[len(cuts) - bisect_left(cuts, end)])
        shots.append(ShotSpan(start, end, usable_start, max(usable_end, usable_start)))
    return shots


def find_shots(
    single: NDArray[np.floating], many: NDArray[np.floating], *, threshold: float = THRESHOLD
) -> list[ShotSpan]:
    """Shots of a film from its two probabilities per frame: :func:`find_transitions`, then tiled."""
    return shots_from_transitions(find_transitions(single, many, threshold=threshold), len(single))


def keyframe_targets(shot: ShotSpan) -> tuple[int, int, int]:
    """The frames at 1/6, 1/2 and 5/6 of what the shot offers; they coincide in very short shots."""
    start, end = shot.keyframe_range()
    length = end - start
    return start + length // 6, start + length // 2, start + length * 5 // 6


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Half-open ranges of consecutive true entries."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def without_blank_ends(span: ShotSpan, sample_frames: NDArray[np.int64], blank: NDArray[np.bool_]) -> ShotSpan:
    """The shot without the blank pictures at the ends of its usable part, as fades from and to black leave them.

    ``sample_frames`` (int64 [n], increasing) are frames that were looked at, ``blank`` (bool [n]) says in which there
    was nothing to see. The usable part then runs from the first sample with a picture to the last. A shot without any
    such sample stays as it is.
    """
    inside = (sample_frames >= span.usable_start_frame) & (sample_frames < span.usable_end_frame)
    frames, empty = sample_frames[inside], blank[inside]
    if len(frames) == 0 or bool(empty.all()):
        return span
    first, last = frames[~empty][0], frames[~empty][-1]
    start = int(first) if empty[0] else span.usable_start_frame
    end = int(last) + 1 if empty[-1] else span.usable_end_frame
    return replace(span, usable_start_frame=start, usable_end_frame=end)
