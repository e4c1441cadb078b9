"""Bars that need not be found: beats or a tempo that the user knows. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moodcut_segmenter.bars import BeatTrack
from moodcut_segmenter.errors import BadOptionsError

LARGEST_METER = 32
_FASTEST_BPM, _SLOWEST_BPM = 1000.0, 1.0
_CLOSEST_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBeats:
    """Every beat: ``seconds`` from the music's first sample, increasing, and ``positions`` in the bar from 1.

    Raises BadOptionsError for what cannot be beats.
    """

    seconds: tuple[float, ...]
    positions: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.seconds) != len(self.positions):
            raise _bad(f"{len(self.seconds)} beats have {len(self.positions)} positions; give one for each")
        if len(self.seconds) < 2:
            raise _bad("fewer than two beats are given; a bar needs more")
        if not any(position == 1 for position in self.positions):
            raise _bad("no beat has position 1, so no bar begins anywhere; mark the downbeats with 1")
        before = -math.inf
        for number, (at, position) in enumerate(zip(self.seconds, self.positions, strict=True), start=1):
            if not (math.isfinite(at) and at >= 0):
                raise _bad(f"beat {number} lies at {at} s; times are seconds from the first sample, 0 or later")
            if at < before + _CLOSEST_SECONDS:
                raise _bad(f"beat {number} at {at:.3f} s does not come after the one before it at {before:.3f} s")
            if not 1 <= position <= LARGEST_METER:
                raise _bad(f"beat {number} has position {position}; positions count from 1 to {LARGEST_METER}")
            before = at


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTempo:
    """``bpm`` beats a minute in bars of ``meter``, the first downbeat at ``offset_seconds``.

    Raises BadOptionsError for what is no tempo.
    """

    bpm: float
    offset_seconds: float = 0.0
    meter: int = 4

    def __post_init__(self) -> None:
        if not (math.isfinite(self.bpm) and _SLOWEST_BPM <= self.bpm <= _FASTEST_BPM):
            message = (
                f"the tempo is {self.bpm}; it must be between {_SLOWEST_BPM:.0f} and {_FASTEST_BPM:.0f} beats a minute"
            )
            raise BadOptionsError(message, field="options.given_tempo")
        if not (math.isfinite(self.offset_seconds) and self.offset_seconds >= 0):
            message = f"the first downbeat lies at {self.offset_seconds} s; it must be 0 or later"
            raise BadOptionsError(message, field="options.given_tempo")
        if not 1 <= self.meter <= LARGEST_METER:
            message = f"a bar has {self.meter} beats; it must have 1 to {LARGEST_METER}"
            raise BadOptionsError(message, field="options.given_tempo")


def given_track(given: GivenBeats | GivenTempo, *, duration_pts: int, sample_rate: int) -> tuple[BeatTrack, list[str]]:
    """The beats inside the sound, each as sure as can be, and what to tell the user of those outside.

    Raises BadOptionsError if no beat lies inside.
    """
    seconds, positions, meter = _every_beat(given, duration_pts / sample_rate)
    pts = np.round(seconds * sample_rate).astype(np.int64)
    inside = pts < duration_pts
    outside = len(pts) - int(inside.sum())
    if outside == len(pts):
        message = f"the first of the given beats lies at {seconds[0]:.3f} s; the music ends at"
        raise BadOptionsError(f"{message} {duration_pts / sample_rate:.3f} s. Are they of this music?", field="options")
    warnings = [f"{outside} of the {len(pts)} given beats lie after the end of the music"] if outside else []
    track = BeatTrack(pts=pts[inside], positions=positions[inside], strength=np.ones(int(inside.sum())), meter=meter)
    return track, warnings


def _every_beat(
    given: GivenBeats | GivenTempo, duration_seconds: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    if isinstance(given, GivenTempo):
        step = 60.0 / given.bpm
        count = max(1, math.ceil((duration_seconds - given.offset_seconds) / step))
        index = np.arange(count, dtype=np.int64)
        return np.asarray(given.offset_seconds + step * index), index % given.meter + 1, given.meter
    return np.array(given.seconds), np.array(given.positions, dtype=np.int64), _usual_meter(given.positions)


def _usual_meter(positions: Sequence[int]) -> int:
    """The commonest number of beats from one downbeat to the next; the largest position where there is one bar."""
    first = np.flatnonzero(np.array(positions) == 1)
    lengths = np.diff(first)
    return int(np.argmax(np.bincount(lengths))) if len(lengths) else max(positions)


def _bad(message: str) -> BadOptionsError:
    return BadOptionsError(f"given beats: {message}", field="options.given_beats")
