"""Ask the solver for the selection, and relax step by step where nothing fits and the request allows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from moodcut_director.errors import MusicTooShortError, NoSelectionError, SolverTimeoutError, UnitTooShortError
from moodcut_director.grid import Grid, Music, make_grid, plural
from moodcut_director.messages import music_from
from moodcut_director.options import Selection
from moodcut_director.problem import UsableShot, make_problem, usable_shots
from moodcut_director.relax import (
    Relaxation,
    diagnosis,
    ladder,
    more_scenes,
    shorter,
    timeout_words,
    widened,
)
from moodcut_kit.client import Caller
from moodcut_kit.time import FrameTimes
from moodcut_kit.v1 import media_pb2, solver_pb2, solver_pb2_grpc

_SOLVED = (solver_pb2.SolveResponse.STATUS_OPTIMAL, solver_pb2.SolveResponse.STATUS_FEASIBLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The selection that was found, and under which options it was."""

    selection: Selection
    grid: Grid
    rate: Fraction
    shots: list[UsableShot]
    problem: solver_pb2.SolveRequest
    solution: solver_pb2.SolveResponse
    relaxations: tuple[str, ...]

    @property
    def solved(self) -> bool:
        """Whether there is a selection."""
        return self.solution.status in _SOLVED

    @property
    def infeasible(self) -> bool:
        """Whether it is certain that there is none; the solution has a diagnosis then."""
        return self.solution.status == solver_pb2.SolveResponse.STATUS_INFEASIBLE


def choose(
    *,
    solver: solver_pb2_grpc.SolverServiceStub,
    caller: Caller,
    movie: media_pb2.MovieAnalysis,
    frame_times: FrameTimes,
    music: media_pb2.MusicAnalysis,
    scores: Mapping[str, float],
    selection: Selection,
    relax: bool,
    time_limit_seconds: float,
) -> Choice:
    """The best selection, relaxed where nothing fits and ``relax`` allows it.

    The order is: flexible lengths, half bars, beats, more scenes, shorter. A step that has no complete unit, or units
    shorter than a frame, or no answer in time, is passed over. More scenes come alone if they are enough, and then as
    few as possible. If no number of scenes fills all units, the montage is as long as it can be with all scenes: with
    the scenes asked for if they fill that much, else with the fewest that do.

    Raises NoSelectionError with a diagnosis, MusicTooShortError, UnitTooShortError, NoFootageError,
    SolverTimeoutError, RemoteError.
    """
    search = _Search(
        solver=solver,
        caller=caller,
        movie=movie,
        frame_times=frame_times,
        music=music_from(music),
        scores=scores,
        time_limit_seconds=time_limit_seconds,
    )
    tried: list[Choice] = []
    last_error: MusicTooShortError | UnitTooShortError | None = None
    relaxations: tuple[str, ...] = ()
    steps = [Relaxation(selection=selection, description="")]
    for index, step in enumerate([*steps, *ladder(selection, meter=search.music.meter)] if relax else steps):
        relaxations += (step.description,) if index else ()
        try:
            tried.append(search.attempt(step.selection, relaxations))
        except (MusicTooShortError, UnitTooShortError) as error:
            last_error = error
            continue
        if tried[-1].solved:
            return tried[-1]
    diagnosed = [choice for choice in tried if choice.infeasible]
    if relax and diagnosed:
        found = search.more_scenes_or_shorter(diagnosed[-1])
        if found is not None:
            return found
    if last_error is not None and not tried:
        raise last_error
    for choice in tried:
        if not choice.infeasible:
            words = timeout_words(choice.selection, choice.grid, time_limit_seconds)
            raise SolverTimeoutError(words, time_limit_seconds=time_limit_seconds)
    raise search.no_selection(tried[0], relaxed=relax)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What stays the same from one attempt to the next."""

    solver: solver_pb2_grpc.SolverServiceStub
    caller: Caller
    movie: media_pb2.MovieAnalysis
    frame_times: FrameTimes
    music: Music
    scores: Mapping[str, float]
    time_limit_seconds: float

    def grid(self, selection: Selection) -> Grid:
        return make_grid(
            self.music,
            unit=selection.unit,
            in_point_seconds=selection.in_point_seconds,
            duration_seconds=selection.duration_seconds,
            keep_pickup=selection.keep_pickup,
        )

    def attempt(self, selection: Selection, relaxations: tuple[str, ...], grid: Grid | None = None) -> Choice:
        """Ask the solver once."""
        grid = grid or self.grid(selection)
        rate = Fraction(self.movie.frame_rate.num, self.movie.frame_rate.den)
        shots = usable_shots(self.movie.shots, self.frame_times, selection)
        problem = make_problem(
            shots=shots,
            scores=self.scores,
            frame_times=self.frame_times,
            rate=rate,
            grid=grid,
            selection=selection,
            time_limit_seconds=self.time_limit_seconds,
        )
        solution = self.caller.unary(self.solver.Solve, problem, timeout_seconds=10 * self.time_limit_seconds)
        return Choice(
            selection=selection,
            grid=grid,
            rate=rate,
            shots=shots,
            problem=problem,
            solution=solution,
            relaxations=relaxations,
        )

    def more_scenes_or_shorter(self, failed: Choice) -> Choice | None:
        """The last two steps of relaxing, from an attempt that is infeasible; None if they do not help either."""
        found = self._with_more_scenes(failed)
        if found is not None:
            return found
        longest = self._shortened(failed)
        every_scene = widened(failed.selection, len({shot.scene_id for shot in self.movie.shots}))
        if every_scene is None:
            return longest
        free = self.attempt(every_scene.selection, (*failed.relaxations, every_scene.description), failed.grid)
        if free.solved:
            return free
        free_longest = self._shortened(free)
        if free_longest is None or (longest and longest.grid.unit_count >= free_longest.grid.unit_count):
            return longest
        narrow = self.attempt(failed.selection, failed.relaxations, free_longest.grid)
        fewest = self._with_more_scenes(narrow) if narrow.infeasible else None
        if fewest is None:
            return free_longest
        return replace(fewest, relaxations=(*fewest.relaxations, _shorter_words(fewest.grid, failed.grid)))

    def _with_more_scenes(self, failed: Choice) -> Choice | None:
        step = more_scenes(failed.selection, failed.solution.infeasibility)
        if step is None:
            return None
        choice = self.attempt(step.selection, (*failed.relaxations, step.description), failed.grid)
        return choice if choice.solved else None

    def _shortened(self, failed: Choice) -> Choice | None:
        """The longest montage with the same options. Average units change with the number of units, so it may take
        more than one attempt.
        """
        choice = failed
        while choice.infeasible:
            grid = shorter(choice.grid, choice.solution.infeasibility)
            if grid is None:
                return None
            words = _shorter_words(grid, failed.grid)
            choice = self.attempt(failed.selection, (*failed.relaxations, words), grid)
        return choice if choice.solved else None

    def no_selection(self, failed: Choice, *, relaxed: bool) -> NoSelectionError:
        """The error for an infeasible attempt, with what would help."""
        found = failed.solution.infeasibility
        music_grid = self.grid(replace(failed.selection, duration_seconds=None))
        below, above = found.nearest_bar_count_below, found.nearest_bar_count_above
        if failed.selection.average_units:
            # The diagnosis is true of this average unit: fewer or more units may have another.
            shortened = self._shortened(failed)
            below = shortened.grid.unit_count if shortened else 0
            if above and not self._fits(failed.selection, music_grid, above):
                above = 0
        return NoSelectionError(
            diagnosis(
                failed.selection,
                failed.grid,
                found,
                music_grid=music_grid,
                unit_counts=[below, above],
                longest_shot_seconds=max(
                    shot.length_ticks(self.frame_times, failed.rate) / failed.rate for shot in failed.shots
                ),
                relaxed=relaxed,
            ),
            unit=failed.selection.unit.value,
            unit_count=failed.grid.unit_count,
            smallest_max_scenes=found.smallest_max_scenes,
            nearest_unit_count_below=below,
            nearest_unit_count_above=above,
        )

    def _fits(self, selection: Selection, music_grid: Grid, unit_count: int) -> bool:
        if unit_count > music_grid.unit_count:
            return False
        return self.attempt(selection, (), music_grid.shortened(unit_count)).solved


def _shorter_words(grid: Grid, before: Grid) -> str:
    return f"{grid.unit_count} {plural(grid.unit, grid.unit_count)} in place of {before.unit_count}"
