"""Exact time: frames, ticks and seconds without rounding that is not asked for by name.

A film's frames are numbered from 0 in presentation order; :class:`FrameTimes` says when each is shown. Seconds are
``Fraction`` and count from the film's first frame, so that a file whose first time stamp is not zero needs no special
care. Ranges are half-open. Pure: numpy and the standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_STANDARD_RATES = tuple(Fraction(n) for n in (10, 12, 15, 16, 18, 20, 24, 25, 30, 48, 50, 60, 100, 120)) + tuple(
    Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)
)


def round_half_up(value: Fraction) -> int:
    """The nearest integer; exactly half goes up."""
    return math.floor(value + Fraction(1, 2))


def ticks_nearest(seconds: Fraction, rate: Fraction) -> int:
    """The tick of a clock of ``rate`` ticks a second that lies nearest to ``seconds``."""
    return round_half_up(seconds * rate)


def ticks_floor(seconds: Fraction, rate: Fraction) -> int:
    """Whole ticks that fit into ``seconds``."""
    return math.floor(seconds * rate)


def standard_rate(rate: Fraction) -> Fraction:
    """The usual frame rate within 0.1 % of ``rate``, or ``rate`` itself rounded to thousandths if there is none."""
    nearest = min(_STANDARD_RATES, key=lambda each: abs(each - rate))
    if abs(nearest - rate) <= rate / 1000:
        return nearest
    return Fraction(round_half_up(rate * 1000), 1000)


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """When each frame of a film is shown.

    ``boundaries_pts``: int64 [frame_count + 1], strictly increasing, in ticks of ``time_base`` seconds: the start of
    each frame and the end of the last.
    """

    time_base: Fraction
    boundaries_pts: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.boundaries_pts.ndim != 1 or len(self.boundaries_pts) < 2:
            raise ValueError("boundaries_pts must be one-dimensional and have at least two entries")
        if not bool(np.all(np.diff(self.boundaries_pts) > 0)):
            raise ValueError("boundaries_pts must increase strictly")

    @classmethod
    def from_runs(cls, *, time_base: Fraction, first_pts: int, runs: Sequence[tuple[int, int]]) -> FrameTimes:
        """Build from (step, count) runs, as the contract stores them."""
        steps = np.repeat(
            np.array([step for step, _ in runs], dtype=np.int64), np.array([count for _, count in runs], dtype=np.int64)
        )
        return cls(time_base, first_pts + np.concatenate(([0], np.cumsum(steps, dtype=np.int64))).astype(np.int64))

    def runs(self) -> list[tuple[int, int]]:
        """(step, count) runs of equal steps: the inverse of :meth:`from_runs`."""
        steps = np.diff(self.boundaries_pts)
        starts = np.concatenate(([0], np.flatnonzero(np.diff(steps)) + 1))
        counts = np.diff(np.concatenate((starts, [len(steps)])))
        return [(int(steps[start]), int(count)) for start, count in zip(starts, counts, strict=True)]

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return len(self.boundaries_pts) - 1

    @property
    def duration_seconds(self) -> Fraction:
        """From the start of the first frame to the end of the last."""
        return self.start_seconds(self.frame_count)

    def start_seconds(self, frame: int) -> Fraction:
        """When ``frame`` begins, from the start of frame 0. ``frame_count`` gives the end of the film."""
        return int(self.boundaries_pts[frame] - self.boundaries_pts[0]) * self.time_base

    def frame_at(self, seconds: Fraction) -> int:
        """The frame shown at ``seconds`` from the start of frame 0; the first or last outside the film."""
        pts = math.floor(seconds / self.time_base) + int(self.boundaries_pts[0])
        frame = int(np.searchsorted(self.boundaries_pts, pts, side="right")) - 1
        return min(max(frame, 0), self.frame_count - 1)

    def boundary_nearest(self, seconds: Fraction) -> int:
        """The frame whose start lies nearest to ``seconds`` (the later one at exactly half); 0 to ``frame_count``."""
        frame = self.frame_at(seconds)
        before, after = self.start_seconds(frame), self.start_seconds(frame + 1)
        return frame if seconds - before < after - seconds else frame + 1

    def resampled(self, *, start_frame: int, frame_count: int, rate: Fraction) -> NDArray[np.int64]:
        """Frames to show from ``start_frame`` on at a constant ``rate``: int64 [frame_count].

        Each is the frame that a player shows at its time: the one that has begun and not yet ended. A frame that
        begins within one tick after that time counts as begun, as time stamps may be rounded; never one that is further
        away than half a step of ``rate``, or half of the frame before it. So a film of constant rate shown at that rate
        gives consecutive frames, also where its time stamps are rounded or cut off to the tick.
        """
        steps, scale = self._step_ticks(rate)
        passed = np.arange(frame_count, dtype=np.int64) * steps
        whole, part = int(self.boundaries_pts[start_frame]) + passed // scale, passed % scale
        frames = np.minimum(np.searchsorted(self.boundaries_pts, whole, side="right") - 1, self.frame_count - 1)
        begun, ended = self.boundaries_pts[frames], self.boundaries_pts[frames + 1]
        within_half = 2 * (scale - part) <= np.minimum(steps, (ended - begun) * scale)
        shown: NDArray[np.int64] = frames + ((ended == whole + 1) & within_half)
        return np.minimum(shown, self.frame_count - 1).astype(np.int64)

    def resampled_count(self, *, start_frame: int, end_frame: int, rate: Fraction) -> int:
        """How many frames :meth:`resampled` gives from ``start_frame`` on before the first that is not below
        ``end_frame``; frames of the film's end are not held.
        """
        if end_frame <= start_frame:
            return 0
        steps, scale = self._step_ticks(rate)
        length = int(self.boundaries_pts[end_frame] - self.boundaries_pts[start_frame])
        count = -(-length * scale // steps)
        # Only the last of them can be so near to the end that the frame after it counts as begun.
        missing = length * scale - (count - 1) * steps
        last = int(self.boundaries_pts[end_frame] - self.boundaries_pts[end_frame - 1])
        return count - 1 if missing <= scale and 2 * missing <= min(steps, last * scale) else count

    def _step_ticks(self, rate: Fraction) -> tuple[int, int]:
        """Ticks from one output frame to the next, as numerator and denominator."""
        ticks = 1 / (rate * self.time_base)
        return ticks.numerator, ticks.denominator

    def rate(self) -> Fraction:
        """The usual constant rate that comes nearest: that of the median step if most frames have it, else the mean."""
        steps = np.diff(self.boundaries_pts)
        median = float(np.median(steps))
        mean = Fraction(self.frame_count) / self.duration_seconds
        if float(np.mean(np.abs(steps - median) <= 1.0)) > 0.9:
            near = steps[np.abs(steps - median) <= 1.0]
            return standard_rate(Fraction(len(near)) / (int(near.sum()) * self.time_base))
        return standard_rate(mean)
