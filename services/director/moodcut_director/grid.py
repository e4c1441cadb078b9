"""The grid of the montage: the units of music between which cuts may fall (method: "Music and montage time").

Pure. Times are integer ticks of the music's time base.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from statistics import median_high

from moodcut_director.errors import MusicTooShortError
from moodcut_kit.time import round_half_up

_NO_RHYTHM_STEP_SECONDS = Fraction(1, 10)
_SHORTEST_PICKUP_SECONDS = Fraction(1, 20)
# Times that people pass back are decimals of what was reported: they may miss the tick they mean by this much.
_TOLERANCE_SECONDS = Fraction(5, 1_000_000)
# Beats further apart than so many usual ones have others missing between them.
_HOLE = Fraction(8, 5)


class Unit(Enum):
    """What one unit of the grid is."""

    BAR = "bar"
    HALF_BAR = "half-bar"
    BEAT = "beat"
    NONE = "none"


def plural(unit: Unit, count: int) -> str:
    """The unit's name for ``count`` of them."""
    name = {Unit.BAR: "bar", Unit.HALF_BAR: "half bar", Unit.BEAT: "beat", Unit.NONE: "100 ms step"}[unit]
    return name if count == 1 else name + "s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Music:
    """Beats and bars of a piece of music.

    ``bars``: (start, end) of complete bars in order, with holes where beats are missing; ``beats``: all beats, also
    those outside complete bars, ``downbeats``: those of them that begin a bar; ``duration_pts``: length of the sound;
    ``meter``: beats per bar.
    """

    time_base: Fraction
    duration_pts: int
    bars: Sequence[tuple[int, int]]
    beats: Sequence[int]
    meter: int
    downbeats: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """``boundaries_pts``: increasing, one more than there are units.

    ``units_per_bar`` says how many units a bar has on average. The first ``pickup_count`` units lie before the first
    downbeat. ``bridges``: (start, end) where the music has no beats and the units are evenly spaced in their place.
    """

    unit: Unit
    time_base: Fraction
    boundaries_pts: tuple[int, ...]
    units_per_bar: Fraction
    pickup_count: int = 0
    bridges: tuple[tuple[int, int], ...] = ()

    @property
    def unit_count(self) -> int:
        """Number of units."""
        return len(self.boundaries_pts) - 1

    @property
    def unit_seconds(self) -> Fraction:
        """Average length of a unit; the pick-up does not count."""
        first = self.pickup_count if self.pickup_count < self.unit_count else 0
        span = self.boundaries_pts[-1] - self.boundaries_pts[first]
        return span * self.time_base / (self.unit_count - first)

    @property
    def shortest_unit_seconds(self) -> Fraction:
        """Length of the shortest unit."""
        return min(after - before for before, after in pairwise(self.boundaries_pts)) * self.time_base

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of the units, in words."""
        first, last = self.boundaries_pts[0], self.boundaries_pts[-1]
        return tuple(
            f"no beats from {float(start * self.time_base):.1f} s to {float(end * self.time_base):.1f} s; "
            f"{plural(self.unit, 2)} there are steady"
            for start, end in self.bridges
            if start < last and end > first
        )

    def shortened(self, unit_count: int) -> Grid:
        """The first ``unit_count`` units."""
        return replace(
            self,
            boundaries_pts=self.boundaries_pts[: unit_count + 1],
            pickup_count=min(self.pickup_count, unit_count),
        )

    def boundary_ticks(self, rate: Fraction, *, average: bool = False) -> list[int]:
        """Boundaries as output frames: the frame nearest to each, counted from the first boundary.

        With ``average`` the units are evenly spaced from the first downbeat to the last boundary, as in the paper.
        """
        first, steady = self.boundaries_pts[0], self.pickup_count
        places = [Fraction(pts) for pts in self.boundaries_pts]
        if average and steady < self.unit_count:
            step = (places[-1] - places[steady]) / (self.unit_count - steady)
            places[steady:] = [places[steady] + index * step for index in range(self.unit_count - steady + 1)]
        return [round_half_up((place - first) * self.time_base * rate) for place in places]


def make_grid(
    music: Music, *, unit: Unit, in_point_seconds: Fraction, duration_seconds: Fraction | None, keep_pickup: bool
) -> Grid:
    """Lay the grid from the first downbeat at or after the in-point, or from the pick-up before it if asked for.

    Only complete units count: bars to the end of the last complete one, half bars and beats as far as there are beats
    and one more where the sound lasts that long, steps of 100 ms to the end of the sound. A hole between bars is
    bridged by as many bars as come nearest to the median length, evenly spaced, and half bars and beats divide them
    evenly; ``Grid.warnings`` says so.
    ``duration_seconds`` rounds down to whole units. Both times may miss a boundary by a few microseconds and still mean
    it. Raises MusicTooShortError.
    """
    in_point_pts = max(0, math.ceil((in_point_seconds - _TOLERANCE_SECONDS) / music.time_base))
    bar_pts = _usual_bar_pts(music)
    bars, bridges = _bridged_bars(music, bar_pts)
    downbeat = _first_downbeat(music, bars, in_point_pts, unit)
    boundaries: list[int] = []
    pickup: list[int] = []
    if downbeat is not None:
        if keep_pickup:
            pickup = _pickup(music, max(in_point_pts, downbeat - bar_pts), downbeat, unit)
        if unit is Unit.NONE:
            boundaries, pickup = _even_steps(music, pickup[0] if pickup else downbeat), []
        else:
            boundaries = _split_bars(music, [bar for bar in bars if bar[0] >= downbeat], unit) or [downbeat]
            if unit is not Unit.BAR:
                boundaries += _after_bars(music, boundaries[-1], unit, bridges)
            boundaries = pickup + boundaries
    if duration_seconds is not None and boundaries:
        limit = boundaries[0] + (duration_seconds + _TOLERANCE_SECONDS) / music.time_base
        boundaries = [pts for pts in boundaries if pts <= limit]
    if len(boundaries) < 2:
        raise MusicTooShortError(
            f"no complete {unit.value} lies in the part of the music asked for (from {float(in_point_seconds):.2f} s"
            + (f", {float(duration_seconds):.2f} s long" if duration_seconds is not None else "")
            + f"; the music lasts {float(music.duration_pts * music.time_base):.2f} s and has {len(music.bars)} "
            "complete bars). Ask for a longer duration"
            + (
                ", an earlier in-point or a smaller unit."
                if unit in (Unit.BAR, Unit.HALF_BAR)
                else " or an earlier in-point."
            ),
            unit=unit.value,
        )
    per_bar = {Unit.BAR: Fraction(1), Unit.HALF_BAR: Fraction(2), Unit.BEAT: Fraction(music.meter)}
    steps_per_bar = max(Fraction(1), bar_pts * music.time_base / _NO_RHYTHM_STEP_SECONDS)
    return Grid(
        unit=unit,
        time_base=music.time_base,
        boundaries_pts=tuple(boundaries),
        units_per_bar=per_bar.get(unit, steps_per_bar),
        pickup_count=min(len(pickup), len(boundaries) - 1),
        bridges=tuple(bridges) if unit is not Unit.NONE else (),
    )


def _usual_bar_pts(music: Music) -> int:
    """The median bar; without bars as many median beats, and without those two seconds."""
    if music.bars:
        return median_high(end - start for start, end in music.bars)
    if len(music.beats) > 1:
        return music.meter * _usual_beat_pts(music)
    return round_half_up(2 / music.time_base)


def _usual_beat_pts(music: Music) -> int:
    return median_high(after - before for before, after in pairwise(music.beats))


def _bridged_bars(music: Music, bar_pts: int) -> tuple[list[tuple[int, int, bool]], list[tuple[int, int]]]:
    """Bars without holes as (start, end, whether bridged), and the holes there were."""
    bars: list[tuple[int, int, bool]] = []
    holes: list[tuple[int, int]] = []
    for start, end in music.bars:
        if bars and start > bars[-1][1]:
            holes.append((bars[-1][1], start))
            count = _nearest_count(start - bars[-1][1], bar_pts)
            bars += [(left, right, True) for left, right in pairwise(_evenly(bars[-1][1], start, count))]
        bars.append((start, end, False))
    return bars, holes


def _nearest_count(length: int, step: int) -> int:
    """How many equal steps of ``length`` come nearest to ``step``; at least one."""
    return max(1, round_half_up(Fraction(length, step)))


def _evenly(start: int, end: int, count: int) -> list[int]:
    """From ``start`` to ``end`` in ``count`` equal steps."""
    return [start + round_half_up(Fraction((end - start) * index, count)) for index in range(count + 1)]


def _first_downbeat(music: Music, bars: Sequence[tuple[int, int, bool]], in_point_pts: int, unit: Unit) -> int | None:
    """The first downbeat at or after the in-point; None if there is none.

    Half bars and beats may also begin where the last bar ends, at a downbeat of no complete bar, and with the first
    beat of music that has no downbeats; steps of 100 ms at the in-point where no downbeat follows.
    """
    downbeats = [start for start, _, _ in bars]
    if unit is not Unit.BAR and bars:
        downbeats += [bars[-1][1], *(pts for pts in music.downbeats if pts > bars[-1][1])]
    elif unit in (Unit.HALF_BAR, Unit.BEAT):
        downbeats = list(music.downbeats or music.beats)
    found = next((pts for pts in downbeats if pts >= in_point_pts), None)
    return in_point_pts if found is None and unit is Unit.NONE else found


def _even_steps(music: Music, start_pts: int) -> list[int]:
    step = _NO_RHYTHM_STEP_SECONDS / music.time_base
    count = max(0, math.floor((music.duration_pts - start_pts) / step))
    return [start_pts + round_half_up(index * step) for index in range(count + 1)]


def _split_bars(music: Music, bars: Sequence[tuple[int, int, bool]], unit: Unit) -> list[int]:
    boundaries: list[int] = []
    for start, end, bridged in bars:
        inside = [pts for pts in music.beats if start < pts < end]
        if bridged:
            inside = _evenly(start, end, music.meter)[1:-1]
        boundaries.append(start)
        if unit is Unit.BEAT:
            boundaries.extend(inside)
        elif unit is Unit.HALF_BAR:
            # The beat in the middle where the bar has one, else the middle itself.
            odd = len(inside) % 2 == 1
            boundaries.append(inside[len(inside) // 2] if odd else round_half_up(Fraction(start + end, 2)))
    return [*boundaries, bars[-1][1]] if bars else []


def _after_bars(music: Music, start_pts: int, unit: Unit, bridges: list[tuple[int, int]]) -> list[int]:
    """Boundaries after ``start_pts``, where complete bars end, as far as there are beats.

    A hole between beats is bridged, and added to ``bridges``, if at least a bar's beats follow it; else it is the end.
    """
    if len(music.beats) < 2:
        return []
    usual = _usual_beat_pts(music)
    # The last bar's end may be extrapolated: a beat just after it is the same one.
    later = [pts for pts in music.beats if 2 * (pts - start_pts) >= usual]
    beats = [start_pts]
    for index, pts in enumerate(later):
        hole = pts - beats[-1] > _HOLE * usual
        if hole and len(later) - index < music.meter:
            break
        if hole:
            bridges.append((beats[-1], pts))
        beats += _evenly(beats[-1], pts, _nearest_count(pts - beats[-1], usual) if hole else 1)[1:]
    beats_per_unit = Fraction(music.meter, 2) if unit is Unit.HALF_BAR else Fraction(1)
    count = math.floor((len(beats) - 1) / beats_per_unit)
    boundaries = [_between(beats, beats_per_unit * index) for index in range(1, count + 1)]
    # One more unit ends where its last beats would be, if the sound lasts that long.
    missing = (count + 1) * beats_per_unit - (len(beats) - 1)
    end = beats[-1] + round_half_up(missing * usual)
    heard = any(2 * abs(pts - beats[-1]) < usual for pts in music.beats)
    return [*boundaries, end] if heard and end <= music.duration_pts else boundaries


def _between(points: Sequence[int], index: Fraction) -> int:
    """The point of that index, in the middle between two at a half."""
    return round_half_up(Fraction(points[math.floor(index)] + points[math.ceil(index)], 2))


def _pickup(music: Music, earliest_pts: int, downbeat_pts: int, unit: Unit) -> list[int]:
    """Boundaries of the pick-up, which begins at ``earliest_pts`` or later: its beats, or for larger units its first.

    A pick-up longer than half a bar is more than one half bar.
    """
    beats = [pts for pts in music.beats if earliest_pts <= pts < downbeat_pts]
    if not beats and (downbeat_pts - earliest_pts) * music.time_base >= _SHORTEST_PICKUP_SECONDS:
        beats = [earliest_pts]
    half = Fraction(music.meter, 2)
    if unit is Unit.HALF_BAR and len(beats) > half:
        return [beats[0], _between([*beats, downbeat_pts], len(beats) - half)]
    return beats if unit is Unit.BEAT else beats[:1]
