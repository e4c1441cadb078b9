"""The solver's problem: shots, scores and grid in output frames. Pure.

One tick is one output frame. Where the units' real boundaries count, a shot's length is the number of output frames its
usable part can show; with the paper's average unit it is the number of whole units that part can fill, a frame's
rounding on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from moodcut_director.errors import NoFootageError, UnitTooShortError
from moodcut_director.grid import Grid, Unit, plural
from moodcut_director.options import DEFAULT_MAX_BARS, Selection, Story
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, solver_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableShot:
    """A shot, and the half-open range of film frames that may be used of it (empty: the shot cannot be chosen)."""

    shot_id: str
    scene_id: str
    start_frame: int
    end_frame: int

    def length_ticks(self, frame_times: FrameTimes, rate: Fraction) -> int:
        """Output frames of ``rate`` that the range can show, each from a source frame inside it."""
        return frame_times.resampled_count(start_frame=self.start_frame, end_frame=self.end_frame, rate=rate)


def usable_shots(shots: Sequence[media_pb2.Shot], frame_times: FrameTimes, selection: Selection) -> list[UsableShot]:
    """What may be used of each shot: not its transitions, not what lies outside the film range asked for.

    A range may end after the film. Raises NoFootageError where it leaves nothing of any shot.
    """
    first = frame_times.boundary_nearest(selection.film_start_seconds)
    last = frame_times.frame_count
    if selection.film_end_seconds is not None:
        last = frame_times.boundary_nearest(selection.film_end_seconds)
    found = []
    for shot in shots:
        start, end = max(first, shot.usable_start_frame), min(last, shot.usable_end_frame)
        if shot.unusable_reason != media_pb2.UNUSABLE_REASON_UNSPECIFIED or end <= start:
            start = end = shot.usable_start_frame
        found.append(UsableShot(shot_id=shot.shot_id, scene_id=shot.scene_id, start_frame=start, end_frame=end))
    if not any(shot.start_frame < shot.end_frame for shot in found):
        raise _no_footage(frame_times, selection)
    return found


def _no_footage(frame_times: FrameTimes, selection: Selection) -> NoFootageError:
    start, end, film = selection.film_start_seconds, selection.film_end_seconds, frame_times.duration_seconds
    lasts = f"the film lasts {float(film):.2f} s"
    if start >= film:
        words = f"the part of the film asked for begins at {float(start):.2f} s, but {lasts}. Ask for an earlier part."
    elif start or end is not None:
        part = f"from {float(start):.2f} s to {float(film if end is None else min(end, film)):.2f} s"
        words = f"no shot can be used in the part of the film {part} ({lasts}). Ask for a longer or another part."
    else:
        causes = "black, credits, out of focus or nothing but transitions"
        words = f"no shot of the film can be used ({lasts}): all are {causes}."
    return NoFootageError(words, film_seconds=float(film))


def make_problem(
    *,
    shots: Sequence[UsableShot],
    scores: Mapping[str, float],
    frame_times: FrameTimes,
    rate: Fraction,
    grid: Grid,
    selection: Selection,
    time_limit_seconds: float,
) -> solver_pb2.SolveRequest:
    """The problem that SolverService.Solve is asked. ``scores`` holds S_i by shot_id. Raises UnitTooShortError."""
    request = solver_pb2.SolveRequest(
        bar_count=grid.unit_count,
        add_scene_mean=True,
        weighting=solver_pb2.WEIGHTING_PER_BAR if selection.per_unit else solver_pb2.WEIGHTING_PER_SHOT,
        length_mode=solver_pb2.LENGTH_MODE_FLEXIBLE if selection.flexible else solver_pb2.LENGTH_MODE_WHOLE_SHOT,
        time_limit_seconds=time_limit_seconds,
    )
    if selection.story is Story.HARD:
        request.hard_scene_limit.max_scenes = selection.max_scenes
    elif selection.story is Story.SOFT:
        request.soft_scene_limit.max_scenes = selection.max_scenes
    if selection.flexible:
        request.min_bars = selection.min_units or 1
        request.max_bars = selection.max_units or math.ceil(DEFAULT_MAX_BARS * grid.units_per_bar)
    boundary_ticks = grid.boundary_ticks(rate, average=selection.average_units)
    _check_every_unit_has_a_frame(grid, boundary_ticks, rate)
    if not selection.average_units:
        request.bar_boundary_ticks.extend(boundary_ticks)
    for shot in shots:
        length_ticks = shot.length_ticks(frame_times, rate)
        entry = request.shots.add(
            shot_id=shot.shot_id, scene_id=shot.scene_id, score=scores[shot.shot_id], excluded=length_ticks == 0
        )
        if selection.average_units:
            entry.bars = _whole_units(length_ticks, grid, boundary_ticks, grid.unit_seconds * rate)
        else:
            entry.duration_ticks = length_ticks
    return request


def _check_every_unit_has_a_frame(grid: Grid, boundary_ticks: Sequence[int], rate: Fraction) -> None:
    for index, (before, after) in enumerate(pairwise(boundary_ticks)):
        if before == after:
            start, end = (pts * grid.time_base for pts in grid.boundaries_pts[index : index + 2])
            seconds = float(min(end - start, grid.unit_seconds))
            name = plural(grid.unit, 1)
            raise UnitTooShortError(
                f"the {name} at {float(start):.2f} s of the music lasts {seconds:.3f} s, but a frame of the "
                f"film {float(1 / rate):.3f} s, so there is none to show in it. Take a larger unit"
                + (", such as --unit bar," if grid.unit is not Unit.BAR else "")
                + f" or a film of more than {float(rate):g} frames a second.",
                unit=grid.unit.value,
                unit_seconds=seconds,
                frame_seconds=float(1 / rate),
            )


def _whole_units(length_ticks: int, grid: Grid, boundary_ticks: Sequence[int], unit_ticks: Fraction) -> int:
    """Most average units whose rounded boundaries never lie further apart than the shot is long, wherever they begin.

    A unit of the pick-up may be longer than the average one, and the shot might begin there.
    """
    count = math.floor(length_ticks / unit_ticks)
    if count and math.ceil(count * unit_ticks) > length_ticks:
        count -= 1
    for first in range(grid.pickup_count):
        while count and boundary_ticks[min(first + count, grid.unit_count)] - boundary_ticks[first] > length_ticks:
            count -= 1
    return count
