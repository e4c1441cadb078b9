"""From beats to bars: complete bars, tempo, meter, pick-up, loudness. Pure.

Times are samples from the first sample of the music. A bar goes from a downbeat to the next one; the last may end at a
downbeat that is extrapolated by the median bar, if the sound lasts that long.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

LOUDNESS_FLOOR_DBFS = -100.0
_END_TOLERANCE_SECONDS = 0.03
# Beats further apart than so many usual steps around them have others missing between them.
_HOLE, _STEPS_AROUND = 1.6, 8
# A tracker that finds no downbeat for longer than this has lost the bars.
_MOST_BEATS = 12


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BeatTrack:
    """What a beat tracker found.

    ``pts``: int64 [n], increasing, in samples. ``positions``: int64 [n], place in the bar from 1. ``strength``: float64
    [n], 0 to 1, how clearly the beat shows in the sound. ``meter``: the usual number of beats in a bar.
    """

    pts: NDArray[np.int64]
    positions: NDArray[np.int64]
    strength: NDArray[np.float64]
    meter: int

    def __post_init__(self) -> None:
        if not len(self.pts) == len(self.positions) == len(self.strength):
            raise ValueError("pts, positions and strength must be equally long")
        if len(self.pts) > 1 and not bool(np.all(np.diff(self.pts) > 0)):
            raise ValueError("pts must increase strictly")
        if self.meter < 1:
            raise ValueError("meter must be at least 1")
        if len(self.positions) and int(self.positions.min()) < 1:
            raise ValueError("positions count from 1")


@dataclass(frozen=True, slots=True)
class BarSpan:
    """One complete bar, half-open, in samples, with its mean loudness."""

    start_pts: int
    end_pts: int
    loudness_dbfs: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BarGrid:
    """Bars of a piece of music. ``pickup_pts`` is where the first beat lies if beats come before the first downbeat."""

    track: BeatTrack
    bars: tuple[BarSpan, ...]
    bpm: float
    meter: int
    confidence: float
    pickup_pts: int | None


def bar_grid(track: BeatTrack, sound: NDArray[np.float32], *, sample_rate: int, given: bool = False) -> BarGrid:
    """Bars of ``sound`` (mono, float32 [samples]) from its beats; ``given``: see :func:`bar_edges`.

    ``bpm`` is 60 over the usual distance of beats; ``confidence`` the mean strength of the beats times their
    regularity, 1 for given ones. Without beats there are no bars and the tempo is 0.
    """
    if len(track.pts) == 0:
        return BarGrid(track=track, bars=(), bpm=0.0, meter=track.meter, confidence=0.0, pickup_pts=None)
    edges = bar_edges(track, len(sound), given=given, tolerance=round(_END_TOLERANCE_SECONDS * sample_rate))
    bars = tuple(BarSpan(start, end, loudness_dbfs(sound[start:end])) for start, end in edges)
    steps = np.diff(track.pts)
    first = int(np.argmax(track.positions == 1)) if bool((track.positions == 1).any()) else 0
    return BarGrid(
        track=track,
        bars=bars,
        bpm=_bpm(steps, sample_rate),
        meter=track.meter,
        confidence=1.0 if given else float(np.clip(track.strength.mean() * _regularity(steps), 0.0, 1.0)),
        pickup_pts=int(track.pts[0]) if first else None,
    )


def bar_edges(track: BeatTrack, duration_pts: int, *, given: bool = False, tolerance: int = 0) -> list[tuple[int, int]]:
    """Start and end of every complete bar, in order; bars may have any number of beats.

    Bars follow one another without gaps, except where beats are missing: a stretch from one downbeat to the next is no
    bar if two of its beats are over 1.6 times as far apart as is usual around them, or if it has more than 12. Of
    ``given`` beats, which are as the user says, every stretch is a bar. The end of the last bar may be extrapolated; up
    to ``tolerance`` samples beyond the sound's end it is moved back to that end.
    """
    first = np.flatnonzero(track.positions == 1)
    if len(first) == 0:
        return []
    downbeats, steps = track.pts[first], np.diff(track.pts)
    # The last of these is what there is of a bar after the last downbeat.
    beat_counts = np.diff(first, append=len(track.pts))
    holes_before = np.cumsum(np.append(0, _holes(steps)))
    holes = np.diff(holes_before[first], append=holes_before[-1])
    whole = ((holes == 0) & (beat_counts <= _MOST_BEATS)) | given
    edges = [(int(start), int(end)) for (start, end), kept in zip(pairwise(downbeats), whole[:-1], strict=True) if kept]
    usual = np.diff(downbeats)[whole[:-1] & (beat_counts[:-1] == track.meter)]
    step = int(np.median(steps)) if len(steps) else 0
    last, end = int(downbeats[-1]), int(track.pts[-1]) + step
    if not whole[-1] or beat_counts[-1] <= track.meter:
        end = last + (int(np.median(usual)) if len(usual) else step * track.meter)
    if end <= duration_pts + tolerance and min(end, duration_pts) > last:
        edges.append((last, min(end, duration_pts)))
    return edges


def count_positions(downbeats: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """Positions from 1 of beats of which only ``downbeats`` ([n]) are marked, and the usual number of beats in a bar.

    Beats before the first downbeat are counted as the end of a usual bar. With fewer than two downbeats a bar has 4.
    """
    first = np.flatnonzero(downbeats)
    lengths = np.diff(first)
    meter = int(np.argmax(np.bincount(lengths))) if len(lengths) else 4
    index = np.arange(len(downbeats))
    if len(first) == 0:
        return index % meter + 1, meter
    bar = np.searchsorted(first, index, side="right") - 1
    positions = np.where(bar >= 0, index - first[np.maximum(bar, 0)], (index - first[0]) % meter) + 1
    return positions.astype(np.int64), meter


def loudness_dbfs(sound: NDArray[np.float32]) -> float:
    """Root mean square of samples in [-1, 1], in decibels below full scale; at least -100."""
    if len(sound) == 0:
        return LOUDNESS_FLOOR_DBFS
    power = float(np.mean(np.square(sound, dtype=np.float64)))
    return max(LOUDNESS_FLOOR_DBFS, 10.0 * float(np.log10(power))) if power > 0 else LOUDNESS_FLOOR_DBFS


def steady_track(duration_pts: int, *, sample_rate: int, bpm: float, meter: int = 4) -> BeatTrack:
    """A beat every 60 / ``bpm`` seconds from the first sample on, bars of ``meter``: for music without a beat."""
    step = 60.0 * sample_rate / bpm
    pts = np.round(np.arange(0.0, max(duration_pts, 1), step)).astype(np.int64)
    return BeatTrack(pts=pts, positions=np.arange(len(pts)) % meter + 1, strength=np.zeros(len(pts)), meter=meter)


def _holes(steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the ``steps`` from beat to beat are too long for beats that follow one another."""
    around = [steps[max(0, index - _STEPS_AROUND) : index + _STEPS_AROUND + 1] for index in range(len(steps))]
    return np.asarray(steps > _HOLE * np.array([np.median(each) for each in around]), dtype=np.bool_)


def _bpm(steps: NDArray[np.int64], sample_rate: int) -> float:
    """Tempo of the steps within a tenth of the median one: their mean is finer than the tracker's time grid."""
    if len(steps) == 0:
        return 0.0
    median = float(np.median(steps))
    return 60.0 * sample_rate / float(np.mean(steps[np.abs(steps - median) <= 0.1 * median]))


def _regularity(steps: NDArray[np.int64]) -> float:
    """1 for steps that change smoothly, falling to 0 as neighbouring steps differ by a quarter in the median."""
    if len(steps) < 2:
        return 0.0
    change = np.abs(np.diff(np.log(steps.astype(np.float64))))
    return float(np.clip(1.0 - 4.0 * np.median(change), 0.0, 1.0))
