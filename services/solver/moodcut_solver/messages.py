"""Translates the contract's messages to problems, and solutions back. Knows protobuf, but no gRPC."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from moodcut_kit.v1 import solver_pb2
from moodcut_solver.build import build_problem
from moodcut_solver.errors import InvalidProblemError
from moodcut_solver.problem import (
    CoverageRequirement,
    Floats,
    HardSceneLimit,
    Ints,
    LengthMode,
    Problem,
    SoftMode,
    SoftSceneLimit,
    Weighting,
)
from moodcut_solver.solution import CrossCheck, Infeasibility, Placement, Solution
from moodcut_solver.solving import solve_problem
from moodcut_solver.validation import whole_bars

_DEFAULT_SCALE = 1000
_DEFAULT_TIME_LIMIT_SECONDS = 10.0

_WEIGHTINGS = {
    solver_pb2.WEIGHTING_UNSPECIFIED: Weighting.PER_SHOT,
    solver_pb2.WEIGHTING_PER_SHOT: Weighting.PER_SHOT,
    solver_pb2.WEIGHTING_PER_BAR: Weighting.PER_BAR,
}
_LENGTH_MODES = {
    solver_pb2.LENGTH_MODE_UNSPECIFIED: LengthMode.WHOLE_SHOT,
    solver_pb2.LENGTH_MODE_WHOLE_SHOT: LengthMode.WHOLE_SHOT,
    solver_pb2.LENGTH_MODE_FLEXIBLE: LengthMode.FLEXIBLE,
}
_SOFT_MODES = {
    solver_pb2.SoftSceneLimit.MODE_UNSPECIFIED: SoftMode.EXACT,
    solver_pb2.SoftSceneLimit.MODE_EXACT: SoftMode.EXACT,
    solver_pb2.SoftSceneLimit.MODE_SCALED: SoftMode.SCALED,
}


def solve_message(
    request: solver_pb2.SolveRequest, *, should_stop: Callable[[], bool] | None = None
) -> solver_pb2.SolveResponse:
    """Answer ``request``. Raises the errors of :mod:`moodcut_solver.errors`."""
    return to_response(solve_problem(to_problem(request), should_stop=should_stop))


def to_problem(request: solver_pb2.SolveRequest) -> Problem:
    """The problem in ``request``. Raises InvalidProblemError and ProblemTooLargeError."""
    shots = request.shots
    ticks = len(request.bar_boundary_ticks) > 0
    mode = _LENGTH_MODES.get(request.length_mode)
    weighting = _WEIGHTINGS.get(request.weighting)
    if mode is None:
        raise InvalidProblemError("length_mode", f"is {request.length_mode}, which is no LengthMode")
    if weighting is None:
        raise InvalidProblemError("weighting", f"is {request.weighting}, which is no Weighting")
    bar_count = len(request.bar_boundary_ticks) - 1 if ticks else request.bar_count
    rows, row = _bar_scores(request, bar_count)
    lengths = _ticks(request) if ticks else _bars(request)
    return build_problem(
        shot_ids=[shot.shot_id for shot in shots],
        scene_ids=[shot.scene_id for shot in shots],
        score=np.array([shot.score for shot in shots], np.float64),
        bar_scores=rows,
        bar_row=row,
        bars=None if ticks else lengths,
        duration_ticks=lengths if ticks else None,
        bar_count=request.bar_count,
        bar_boundary_ticks=np.array(request.bar_boundary_ticks, np.int64) if ticks else None,
        scene_limit=_scene_limit(request),
        add_scene_mean=request.add_scene_mean if request.HasField("add_scene_mean") else True,
        weighting=weighting,
        length_mode=mode,
        min_bars=_bound(request, "min_bars", mode),
        max_bars=_bound(request, "max_bars", mode),
        required=np.array([shot.required for shot in shots], bool),
        excluded=np.array([shot.excluded for shot in shots], bool),
        pinned_first_bar=_pins(request),
        duplicate_group=[shot.duplicate_group for shot in shots],
        coverage=[CoverageRequirement(c.first_index, c.end_index, c.min_count) for c in request.coverage],
        required_scenes=list(request.required_scenes),
        solution_count=request.solution_count or 1,
        cross_check=request.cross_check,
        time_limit_seconds=request.time_limit_seconds or _DEFAULT_TIME_LIMIT_SECONDS,
    )


def _bar_scores(request: solver_pb2.SolveRequest, bar_count: int) -> tuple[Floats | None, Ints | None]:
    rows: list[Floats] = []
    row = np.full(len(request.shots), -1, np.int64)
    for i, shot in enumerate(request.shots):
        if shot.bar_scores:
            if len(shot.bar_scores) != bar_count:
                raise InvalidProblemError(
                    f"shots[{i}].bar_scores", f"has {len(shot.bar_scores)} numbers for {bar_count} bars"
                )
            row[i] = len(rows)
            rows.append(np.array(shot.bar_scores, np.float64))
    return (np.stack(rows), row) if rows else (None, None)


def _bars(request: solver_pb2.SolveRequest) -> Ints:
    """t_i of every shot, from whole bars or seconds."""
    kinds = [shot.WhichOneof("length") for shot in request.shots]
    for i, kind in enumerate(kinds):
        if kind is None:
            raise InvalidProblemError(f"shots[{i}]", "has no length; set bars, duration_seconds or duration_ticks")
        if kind == "duration_ticks":
            raise InvalidProblemError(f"shots[{i}].duration_ticks", "goes only with bar_boundary_ticks")
    bars = np.array([shot.bars for shot in request.shots], np.int64)
    timed = [i for i, kind in enumerate(kinds) if kind == "duration_seconds"]
    if timed:
        bar = request.bar_duration_seconds
        if not (math.isfinite(bar) and bar > 0):
            raise InvalidProblemError(
                "bar_duration_seconds", f"is {bar}, must be above 0 where shots have duration_seconds"
            )
        seconds = np.array([request.shots[i].duration_seconds for i in timed], np.float64)
        wrong = np.flatnonzero(~np.isfinite(seconds) | (seconds < 0))
        if len(wrong):
            raise InvalidProblemError(
                f"shots[{timed[wrong[0]]}].duration_seconds", f"is {seconds[wrong[0]]}, must be finite and not negative"
            )
        bars[timed] = whole_bars(seconds, bar)
    return bars


def _ticks(request: solver_pb2.SolveRequest) -> Ints:
    for i, shot in enumerate(request.shots):
        if shot.WhichOneof("length") != "duration_ticks":
            raise InvalidProblemError(f"shots[{i}].duration_ticks", "is needed with bar_boundary_ticks")
    return np.array([shot.duration_ticks for shot in request.shots], np.int64)


def _pins(request: solver_pb2.SolveRequest) -> Ints:
    pins = np.full(len(request.shots), -1, np.int64)
    for i, shot in enumerate(request.shots):
        if shot.HasField("pinned_first_bar"):
            if shot.pinned_first_bar < 0:
                raise InvalidProblemError(f"shots[{i}].pinned_first_bar", f"is {shot.pinned_first_bar}, negative")
            pins[i] = shot.pinned_first_bar
    return pins


def _bound(request: solver_pb2.SolveRequest, field: str, mode: LengthMode) -> Ints:
    """The shots' own bounds, or the request's where they have none."""
    common: int = getattr(request, field)
    if common < 0:
        raise InvalidProblemError(field, f"is {common}, must not be negative")
    if common > 0 and mode is LengthMode.WHOLE_SHOT:
        raise InvalidProblemError(field, "has no meaning where shots keep their whole length; use LENGTH_MODE_FLEXIBLE")
    own = np.array([getattr(shot, field) for shot in request.shots], np.int64)
    return np.where(own == 0, common, own)


def _scene_limit(request: solver_pb2.SolveRequest) -> HardSceneLimit | SoftSceneLimit | None:
    kind = request.WhichOneof("scene_limit")
    if kind == "hard_scene_limit":
        return HardSceneLimit(request.hard_scene_limit.max_scenes)
    if kind == "soft_scene_limit":
        soft = request.soft_scene_limit
        mode = _SOFT_MODES.get(soft.mode)
        if mode is None:
            raise InvalidProblemError("soft_scene_limit.mode", f"is {soft.mode}, which is no Mode")
        return SoftSceneLimit(soft.max_scenes, mode, soft.scale or _DEFAULT_SCALE)
    return None


def to_response(solution: Solution) -> solver_pb2.SolveResponse:
    """The message for ``solution``."""
    response = solver_pb2.SolveResponse(
        status=solver_pb2.SolveResponse.Status.Value(f"STATUS_{solution.status.name}"),
        objective=solution.objective,
        best_bound=solution.best_bound,
        gap=solution.gap,
        placements=[_placement(placement) for placement in solution.placements],
        scene_frontier=[
            solver_pb2.SceneFrontierPoint(scene_count=point.scene_count, objective=point.objective)
            for point in solution.scene_frontier
        ],
        alternatives=[
            solver_pb2.AlternativeSelection(
                objective=other.objective, placements=[_placement(placement) for placement in other.placements]
            )
            for other in solution.alternatives
        ],
        method=solver_pb2.SolveResponse.Method.Value(f"METHOD_{solution.method.name}"),
        solve_seconds=solution.solve_seconds,
        soft_weight_sum=solution.soft_weight_sum,
        soft_excess=solution.soft_excess,
    )
    if solution.cross_check is not None:
        response.cross_check.CopyFrom(_cross_check(solution.cross_check))
    if solution.infeasibility is not None:
        response.infeasibility.CopyFrom(_infeasibility(solution.infeasibility))
    return response


def _placement(placement: Placement) -> solver_pb2.Placement:
    return solver_pb2.Placement(
        shot_id=placement.shot_id,
        scene_id=placement.scene_id,
        first_bar=placement.first_bar,
        bar_count=placement.bar_count,
        score=placement.score,
        raw_score=placement.raw_score,
    )


def _cross_check(checked: CrossCheck) -> solver_pb2.CrossCheck:
    model = "UNSPECIFIED" if checked.model.name == "NONE" else checked.model.name
    return solver_pb2.CrossCheck(
        verdict=solver_pb2.CrossCheck.Verdict.Value(f"VERDICT_{checked.verdict.name}"),
        model=solver_pb2.CrossCheck.Model.Value(f"MODEL_{model}"),
        objective=checked.objective,
        best_bound=checked.best_bound,
        gap=checked.gap,
        violations=checked.violations,
        solve_seconds=checked.solve_seconds,
    )


def _infeasibility(found: Infeasibility) -> solver_pb2.Infeasibility:
    relax = [
        solver_pb2.Infeasibility.Constraint.Value(f"CONSTRAINT_{constraint.name}")
        for constraint in found.constraints_to_relax
    ]
    return solver_pb2.Infeasibility(
        binding_constraint=relax[0] if relax else solver_pb2.Infeasibility.CONSTRAINT_UNSPECIFIED,
        constraints_to_relax=relax,
        explanation=found.explanation,
        smallest_max_scenes=found.smallest_max_scenes,
        nearest_bar_count_below=found.nearest_bar_count_below,
        nearest_bar_count_above=found.nearest_bar_count_above,
        complete=found.complete,
    )
