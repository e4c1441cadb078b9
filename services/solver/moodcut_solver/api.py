"""The plain Python entry: arrays in, a :class:`~moodcut_solver.solution.Solution` out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from numpy.typing import ArrayLike

from moodcut_solver.build import build_problem
from moodcut_solver.problem import (
    CoverageRequirement,
    HardSceneLimit,
    LengthMode,
    SoftSceneLimit,
    Weighting,
)
from moodcut_solver.solution import Solution
from moodcut_solver.solving import solve_problem


def solve(
    *,
    scene_ids: Sequence[Hashable],
    score: ArrayLike | None = None,
    bar_scores: ArrayLike | None = None,
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
    should_stop: Callable[[], bool] | None = None,
) -> Solution:
    """Choose shots so that they fill every bar and their scores sum to the most possible.

    The n shots are in film order; "bar" is one unit of any grid. Fields have the contract's names.

    Args:
        scene_ids: (n,) any hashable; the shots of a scene follow one another where position matters.
        score: (n,) float, S_i. May be left out where ``bar_scores`` is given.
        bar_scores: (n, bar_count) float, a score for every shot and bar; ``score`` is ignored then.
        shot_ids: (n,) distinct names; default "0", "1", ...
        bars: (n,) int, t_i, whole bars each shot can fill. One of ``bars``, ``duration_seconds``, ``duration_ticks``.
        duration_seconds: (n,) float, with ``bar_duration_seconds``: t_i = floor(duration / bar).
        duration_ticks: (n,) int, usable length in the ticks of ``bar_boundary_ticks``.
        bar_count: bars to fill, N_b. May be left out where ``bar_boundary_ticks`` is given.
        bar_boundary_ticks: (bar_count + 1,) increasing int, the bars' real boundaries.
        bar_duration_seconds: average bar.
        scene_limit: HardSceneLimit (Eq. 9), SoftSceneLimit (Eq. 12), or None.
        add_scene_mean: add the scene's mean score to every shot (Eq. 10).
        weighting: a shot counts once, or once for every bar.
        length_mode: shots keep their whole length, or cover any number of bars within bounds.
        min_bars: int, or (n,) int with 0 for no bound: fewest bars (flexible lengths).
        max_bars: likewise the most bars.
        required: (n,) bool, must be chosen.
        excluded: (n,) bool, must not be chosen; counts in its scene's size and mean all the same.
        pinned_first_bar: (n,) int, must be chosen and begin there; -1 for none.
        duplicate_group: (n,) names, at most one shot of each; "" or None for none.
        coverage: disjoint ranges of shots with the number to choose from each.
        required_scenes: scenes of which at least one shot must be chosen.
        solution_count: how many selections to find, best first.
        cross_check: check the answer with CP-SAT.
        time_limit_seconds: for searches that no recursion bounds, and for the cross-check.
        should_stop: asked now and then; the solver stops with SolveCancelledError once it returns true.

    Returns:
        The solution. Infeasible problems are an answer too, with a diagnosis. Ties go to fewer shots (more bars a
        shot), then to earlier shots.

    Raises:
        InvalidProblemError: a field is wrong; the message names it.
        ProblemTooLargeError: a published limit is exceeded.
    """
    problem = build_problem(
        scene_ids=scene_ids,
        score=score,
        bar_scores=bar_scores,
        shot_ids=shot_ids,
        bars=bars,
        duration_seconds=duration_seconds,
        duration_ticks=duration_ticks,
        bar_count=bar_count,
        bar_boundary_ticks=bar_boundary_ticks,
        bar_duration_seconds=bar_duration_seconds,
        scene_limit=scene_limit,
        add_scene_mean=add_scene_mean,
        weighting=weighting,
        length_mode=length_mode,
        min_bars=min_bars,
        max_bars=max_bars,
        required=required,
        excluded=excluded,
        pinned_first_bar=pinned_first_bar,
        duplicate_group=duplicate_group,
        coverage=coverage,
        required_scenes=required_scenes,
        solution_count=solution_count,
        cross_check=cross_check,
        time_limit_seconds=time_limit_seconds,
    )
    return solve_problem(problem, should_stop=should_stop)
