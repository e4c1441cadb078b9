"""Builds a validated :class:`~moodcut_solver.problem.Problem` from plain arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from moodcut_solver import validation
from moodcut_solver.errors import InvalidProblemError
from moodcut_solver.problem import (
    Bools,
    CoverageRequirement,
    Floats,
    HardSceneLimit,
    Ints,
    LengthMode,
    Problem,
    SoftSceneLimit,
    Weighting,
)


def build_problem(
    *,
    scene_ids: Sequence[Hashable],
    score: ArrayLike | None = None,
    bar_scores: ArrayLike | None = None,
    bar_row: Ints | None = None,
    shot_ids: Sequence[str] | None = None,
    bars: ArrayLike | None = None,
    duration_seconds: ArrayLike | None = None,
    duration_ticks: ArrayLike | None = None,
    bar_count: int | None = None,
    bar_boundary_ticks: ArrayLike | None = None,
    bar_duration_seconds: float | None = None,
    scene_limit: HardSceneLimit | SoftSceneLimit | None = None,
    add_scene_mean: bool = True,
    weighting: Weighting = Weighting.PER_SHOT,
    length_mode: LengthMode = LengthMode.WHOLE_SHOT,
    min_bars: ArrayLike | None = None,
    max_bars: ArrayLike | None = None,
    required: ArrayLike | None = None,
    excluded: ArrayLike | None = None,
    pinned_first_bar: ArrayLike | None = None,
    duplicate_group: Sequence[Hashable] | None = None,
    coverage: Iterable[CoverageRequirement] = (),
    required_scenes: Iterable[Hashable] = (),
    solution_count: int = 1,
    cross_check: bool = False,
    time_limit_seconds: float = 10.0,
) -> Problem:
    """The problem that these fields describe; see :func:`moodcut_solver.solve` for their meaning.

    ``bar_row`` (n,) int64 gives each shot's row of ``bar_scores``, -1 for a shot with ``score``; without it every shot
    has a row. Raises :class:`InvalidProblemError` and :class:`ProblemTooLargeError`.
    """
    scene_list = list(scene_ids)
    count = len(scene_list)
    names, scene_names, scene = validation.check_shots(
        [str(i) for i in range(count)] if shot_ids is None else list(shot_ids), scene_list
    )
    total, boundaries = validation.check_grid(bar_count, bar_boundary_ticks)
    lengths = _lengths(bars, duration_seconds, duration_ticks, bar_duration_seconds, boundaries, count)
    values, rows, row = validation.check_scores(score, bar_scores, bar_row, count, total)
    shortest, longest = validation.check_lengths(length_mode, min_bars, max_bars, count)
    must, never = _flags("required", required, count), _flags("excluded", excluded, count)
    pinned = validation.int_array("pinned_first_bar", -1 if pinned_first_bar is None else pinned_first_bar, count)
    validation.check_choice(must, never, pinned, total)
    validation.check_scene_limit(scene_limit)
    validation.check_rest(weighting, length_mode, solution_count, time_limit_seconds)
    problem = Problem(
        shot_ids=names,
        scene_ids=scene_names,
        scene=scene,
        bar_count=total,
        bars=lengths if boundaries is None else None,
        ticks=None if boundaries is None else lengths,
        boundaries=boundaries,
        score=values,
        bar_scores=rows,
        bar_row=row,
        required=must,
        excluded=never,
        pinned=pinned,
        min_bars=shortest,
        max_bars=longest,
        group=validation.check_group(duplicate_group, count),
        add_scene_mean=add_scene_mean,
        weighting=weighting,
        length_mode=length_mode,
        scene_limit=scene_limit,
        coverage=validation.check_coverage(coverage, count),
        required_scenes=_scene_indices(required_scenes, scene_list, scene),
        solution_count=solution_count,
        cross_check=cross_check,
        time_limit_seconds=time_limit_seconds,
    )
    validation.check_runs(problem)
    return problem


def _lengths(
    bars: ArrayLike | None,
    duration_seconds: ArrayLike | None,
    duration_ticks: ArrayLike | None,
    bar_duration_seconds: float | None,
    boundaries: Ints | None,
    count: int,
) -> Ints:
    given = {"bars": bars, "duration_seconds": duration_seconds, "duration_ticks": duration_ticks}
    names = [name for name, values in given.items() if values is not None]
    if len(names) != 1:
        raise InvalidProblemError("bars", f"one of bars, duration_seconds and duration_ticks is needed, not {names}")
    field, values = names[0], given[names[0]]
    assert values is not None
    if (field == "duration_ticks") != (boundaries is not None):
        needs = "goes only with" if boundaries is None else "does not go with"
        raise InvalidProblemError(field, f"{needs} bar_boundary_ticks, which need duration_ticks")
    if field == "duration_seconds":
        seconds = validation.float_array(field, values, count)
        lengths = _bars_of(seconds, bar_duration_seconds)
    else:
        lengths = validation.int_array(field, values, count)
    wrong = np.flatnonzero(lengths < 0)
    if len(wrong):
        raise InvalidProblemError(f"shots[{wrong[0]}].{field}", "is negative")
    if field == "duration_ticks":
        wrong = np.flatnonzero(lengths > 1 << 53)
        if len(wrong):
            raise InvalidProblemError(f"shots[{wrong[0]}].{field}", "is beyond 2**53")
    return lengths


def _bars_of(seconds: Floats, bar: float | None) -> Ints:
    if bar is None or not 0 < bar < np.inf:
        raise InvalidProblemError(
            "bar_duration_seconds", f"is {bar}, must be above 0 where shots have duration_seconds"
        )
    return validation.whole_bars(seconds, bar)


def _flags(field: str, values: ArrayLike | None, count: int) -> Bools:
    if values is None:
        return np.zeros(count, bool)
    array = np.asarray(values)
    if array.shape != (count,) or array.dtype.kind not in "biu":
        raise InvalidProblemError(field, f"has shape {array.shape}, needs ({count},) booleans, one a shot")
    return array.astype(bool)


def _scene_indices(names: Iterable[Hashable], scene_list: list[Hashable], scene: Ints) -> tuple[int, ...]:
    index = {name: int(scene[i]) for i, name in enumerate(scene_list)}
    found = []
    for i, name in enumerate(names):
        if name not in index:
            raise InvalidProblemError(f"required_scenes[{i}]", f"is {name!r}, which no shot has")
        found.append(index[name])
    return tuple(sorted(set(found)))
