"""The grid of the montage: the units of music between which cuts may fall (method: "Music and montage time").

Pure. Times are integer ticks of the music's time base.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from moodcut_director.errors import MusicTooShortError
from moodcut_kit.time import round_half_up

_NO_RHYTHM_STEP_SECONDS = Fraction(1, 10)
_SHORTEST_PICKUP_SECONDS = Fraction(1, 20)
# Times that people pass back are decimals of what was reported: they may miss the tick they mean by this much.
_TOLERANCE_SECONDS = Fraction(5, 1_000_000)


class Unit(Enum):
    """What one unit of the grid is."""

    BAR = "bar"
    HALF_BAR = "half-bar"
    BEAT = "beat"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """Beats and bars of a piece of music.

    ``bars``: (start, end) of consecutive complete bars; ``beats``: all beats, also those outside complete bars;
    ``duration_pts``: length of the sound; ``meter``: beats per bar.
    """

    time_base: Fraction
    duration_pts: int
    bars: Sequence[tuple[int, int]]
    beats: Sequence[int]
    meter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """``boundaries_pts``: increasing, one more than there are units. ``unit_pts`` is the average length of a unit.

    ``units_per_bar`` says how many units a bar has on average.
    """

    unit: Unit
    time_base: Fraction
    boundaries_pts: tuple[int, ...]
    units_per_bar: Fraction

    @property
    def unit_count(self) -> int:
        """Number of units."""
        return len(self.boundaries_pts) - 1

    @property
    def unit_seconds(self) -> Fraction:
        """Average length of a unit."""
        return (self.boundaries_pts[-1] - self.boundaries_pts[0]) * self.time_base / self.unit_count

    def shortened(self, unit_count: int) -> Grid:
        """The first ``unit_count`` units."""
        return Grid(
            unit=self.unit,
            time_base=self.time_base,
            boundaries_pts=self.boundaries_pts[: unit_count + 1],
            units_per_bar=self.units_per_bar,
        )

    def boundary_ticks(self, rate: Fraction, *, average: bool = False) -> list[int]:
        """Boundaries as output frames: the frame nearest to each, counted from the first boundary.

        With ``average`` the units are evenly spaced between the first boundary and the last, as in the paper.
        """
        first, last = self.boundaries_pts[0], self.boundaries_pts[-1]
        if average:
            step = Fraction(last - first, self.unit_count)
            return [round_half_up(index * step * self.time_base * rate) for index in range(self.unit_count + 1)]
        return [round_half_up((pts - first) * self.time_base * rate) for pts in self.boundaries_pts]


def make_grid(
    music: Music, *, unit: Unit, in_point_seconds: Fraction, duration_seconds: Fraction | None, keep_pickup: bool
) -> Grid:
    """Lay the grid from the first downbeat at or after the in-point, or from the pick-up before it if asked for.

    Only complete units count; ``duration_seconds`` rounds down to whole units. Both times may miss a boundary by a few
    microseconds and still mean it. Raises MusicTooShortError.
    """
    in_point_pts = max(0, math.ceil((in_point_seconds - _TOLERANCE_SECONDS) / music.time_base))
    if unit is Unit.NONE:
        boundaries = _even_steps(music, in_point_pts)
        bar_pts = Fraction(_median_bar_pts(music))
        units_per_bar = max(Fraction(1), bar_pts * music.time_base / _NO_RHYTHM_STEP_SECONDS)
    else:
        bars = _bars_from(music, in_point_pts)
        boundaries = _split_bars(music, bars, unit)
        units_per_bar = {Unit.BAR: Fraction(1), Unit.HALF_BAR: Fraction(2)}.get(unit, Fraction(music.meter))
        if keep_pickup and boundaries:
            boundaries = _pickup(music, in_point_pts, boundaries[0], unit) + boundaries
    if duration_seconds is not None and boundaries:
        limit = boundaries[0] + (duration_seconds + _TOLERANCE_SECONDS) / music.time_base
        boundaries = [pts for pts in boundaries if pts <= limit]
    if len(boundaries) < 2:
        raise MusicTooShortError(
            f"no complete {unit.value} lies in the part of the music asked for (from {float(in_point_seconds):.2f} s"
            + (f", {float(duration_seconds):.2f} s long" if duration_seconds is not None else "")
            + f"; the music lasts {float(music.duration_pts * music.time_base):.2f} s and has {len(music.bars)} "
            "complete bars). Ask for a longer duration, an earlier in-point or a smaller unit.",
            unit=unit.value,
        )
    return Grid(unit=unit, time_base=music.time_base, boundaries_pts=tuple(boundaries), units_per_bar=units_per_bar)


def _even_steps(music: Music, in_point_pts: int) -> list[int]:
    step = _NO_RHYTHM_STEP_SECONDS / music.time_base
    count = max(0, math.floor((music.duration_pts - in_point_pts) / step))
    return [in_point_pts + round_half_up(index * step) for index in range(count + 1)]


def _median_bar_pts(music: Music) -> int:
    lengths = sorted(end - start for start, end in music.bars)
    return lengths[len(lengths) // 2] if lengths else round_half_up(2 / music.time_base)


def _bars_from(music: Music, in_point_pts: int) -> list[tuple[int, int]]:
    """The consecutive bars from the first downbeat at or after the in-point."""
    found: list[tuple[int, int]] = []
    for start, end in music.bars:
        if start >= in_point_pts and (not found or start == found[-1][1]):
            found.append((start, end))
        elif found:
            break
    return found


def _split_bars(music: Music, bars: Sequence[tuple[int, int]], unit: Unit) -> list[int]:
    boundaries: list[int] = []
    for start, end in bars:
        inside = [pts for pts in music.beats if start < pts < end]
        boundaries.append(start)
        if unit is Unit.BEAT:
            boundaries.extend(inside)
        elif unit is Unit.HALF_BAR:
            # The beat in the middle where the bar has one, else the middle itself.
            odd = len(inside) % 2 == 1
            boundaries.append(inside[len(inside) // 2] if odd else round_half_up(Fraction(start + end, 2)))
    return [*boundaries, bars[-1][1]] if bars else []


def _pickup(music: Music, in_point_pts: int, downbeat_pts: int, unit: Unit) -> list[int]:
    """Boundaries of the pick-up: its beats, or for larger units its first beat alone."""
    previous_downbeat = max((start for start, _ in music.bars if start < downbeat_pts), default=None)
    earliest = in_point_pts if previous_downbeat is None else max(in_point_pts, previous_downbeat)
    beats = [pts for pts in music.beats if earliest <= pts < downbeat_pts]
    if not beats and (downbeat_pts - earliest) * music.time_base >= _SHORTEST_PICKUP_SECONDS:
        beats = [earliest]
    return beats if unit is Unit.BEAT else beats[:1]
