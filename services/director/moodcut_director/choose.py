"""Ask the solver for the selection, and relax step by step where nothing fits and the request allows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from moodcut_director.errors import NoSelectionError
from moodcut_director.grid import Grid, make_grid
from moodcut_director.messages import music_from
from moodcut_director.options import Selection
from moodcut_director.problem import UsableShot, make_problem, usable_shots
from moodcut_director.relax import diagnosis, ladder, more_scenes, shorter
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
    """The best selection. Raises NoSelectionError with a diagnosis, MusicTooShortError, RemoteError."""
    rate = Fraction(movie.frame_rate.num, movie.frame_rate.den)
    beats_and_bars = music_from(music)

    def attempt(asked: Selection, relaxations: tuple[str, ...], grid: Grid | None = None) -> Choice:
        grid = grid or make_grid(
            beats_and_bars,
            unit=asked.unit,
            in_point_seconds=asked.in_point_seconds,
            duration_seconds=asked.duration_seconds,
            keep_pickup=asked.keep_pickup,
        )
        shots = usable_shots(movie.shots, frame_times, asked)
        problem = make_problem(
            shots=shots,
            scores=scores,
            frame_times=frame_times,
            rate=rate,
            grid=grid,
            selection=asked,
            time_limit_seconds=time_limit_seconds,
        )
        solution = caller.unary(solver.Solve, problem, timeout_seconds=10 * time_limit_seconds)
        return Choice(
            selection=asked,
            grid=grid,
            rate=rate,
            shots=shots,
            problem=problem,
            solution=solution,
            relaxations=relaxations,
        )

    first = last = attempt(selection, ())
    if relax:
        for step in ladder(selection):
            if last.solution.status in _SOLVED:
                return last
            last = attempt(step.selection, (*last.relaxations, step.description))
        widened = more_scenes(last.selection, last.solution.infeasibility)
        if last.solution.status not in _SOLVED and widened is not None:
            last = attempt(widened.selection, (*last.relaxations, widened.description))
        shortened = shorter(last.grid, last.solution.infeasibility)
        if last.solution.status not in _SOLVED and shortened is not None:
            grid, words = shortened
            last = attempt(last.selection, (*last.relaxations, words), grid)
    if last.solution.status in _SOLVED:
        return last
    failed = first if first.solution.HasField("infeasibility") else last
    raise NoSelectionError(
        diagnosis(failed.selection, failed.grid, failed.solution.infeasibility, relaxed=relax),
        unit=failed.selection.unit.value,
        unit_count=failed.grid.unit_count,
        smallest_max_scenes=failed.solution.infeasibility.smallest_max_scenes,
        nearest_unit_count_below=failed.solution.infeasibility.nearest_bar_count_below,
        nearest_unit_count_above=failed.solution.infeasibility.nearest_bar_count_above,
    )
