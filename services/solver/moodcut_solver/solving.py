"""Chooses the method for a problem and puts the answer together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from moodcut_solver.alternatives import best_choices
from moodcut_solver.diagnosis import diagnose
from moodcut_solver.errors import SolveCancelledError
from moodcut_solver.groups import TooManyGroupsError, with_groups
from moodcut_solver.hard import Choice, best_choice, solve_table
from moodcut_solver.options import build_options
from moodcut_solver.outliers import is_precise, merged, outliers, without
from moodcut_solver.problem import Ints, Problem, SoftSceneLimit
from moodcut_solver.scores import ScoreTable, score_table, selection_of
from moodcut_solver.soft import SoftChoice, solve_soft
from moodcut_solver.soft_alternatives import solve_soft_several
from moodcut_solver.soft_weights import soft_sum
from moodcut_solver.solution import FrontierPoint, Method, Selection, Solution, Status, Step
from moodcut_solver.table import OutOfTimeError
from moodcut_solver.warm import prepare_forward, prepare_labels, prepare_table

_DIAGNOSIS_SECONDS = 1.0
_LONG_GRID = 255


class _Clock:
    """Raises when the time is up or the caller has gone."""

    def __init__(self, seconds: float, should_stop: Callable[[], bool] | None) -> None:
        self._end = time.monotonic() + seconds
        self.should_stop = should_stop

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def patient(self) -> None:
        """Raises only when the caller has gone."""
        if self.should_stop is not None and self.should_stop():
            raise SolveCancelledError("the caller gave up")

    def __call__(self) -> None:
        self.patient()
        if time.monotonic() > self._end:
            raise OutOfTimeError


def solve_problem(problem: Problem, *, should_stop: Callable[[], bool] | None = None) -> Solution:
    """Solve ``problem``. ``should_stop`` is asked now and then; SolveCancelledError is raised once it says so.

    Raises :class:`ProblemTooLargeError`.
    """
    prepare_table(long_grid=problem.bar_count > _LONG_GRID)
    if isinstance(problem.scene_limit, SoftSceneLimit):
        prepare_forward()
        prepare_labels()
    began = time.perf_counter()
    clock = _Clock(problem.time_limit_seconds, should_stop)
    ordered, order = _in_scene_order(problem)
    try:
        solution = _solve(problem, ordered, order, clock)
    except OutOfTimeError:
        solution = Solution(status=Status.UNKNOWN, method=Method.RECURSION)
    if solution.status is Status.INFEASIBLE:
        prepare_forward()
        check = _Clock(_DIAGNOSIS_SECONDS, should_stop)
        solution = replace(solution, infeasibility=diagnose(ordered, check))
    solution = replace(solution, solve_seconds=time.perf_counter() - began)
    if problem.cross_check and solution.status is not Status.UNKNOWN:
        from moodcut_solver.checking import cross_check

        steps = [Step(p.shot_index, p.first_bar, p.bar_count) for p in solution.placements]
        checked = cross_check(
            problem,
            None if solution.status is Status.INFEASIBLE else steps,
            solution.objective,
            time_limit_seconds=problem.time_limit_seconds,
            should_stop=should_stop,
        )
        solution = replace(solution, cross_check=checked)
    return solution


def _solve(problem: Problem, ordered: Problem, order: Ints, clock: _Clock) -> Solution:
    solver = _Solver(problem, ordered, order, clock)
    solution = solver.solve()
    if is_precise(solution, solver.options):
        return solution
    low = outliers(ordered, solver.ordered_scores, solver.options)
    if np.any(low):
        of_problem = low[np.argsort(order)]
        fine = _Solver(without(problem, of_problem), without(ordered, low), order, clock)
        better = fine.solve()
        if better.placements:
            solver, solution = fine, merged(better, solution, of_problem, problem.solution_count)
    if is_precise(solution, solver.options) or solution.status is not Status.OPTIMAL:
        return solution
    bound = solution.objective + solver.options.rounding
    return replace(solution, status=Status.FEASIBLE, best_bound=bound)


def _in_scene_order(problem: Problem) -> tuple[Problem, Ints]:
    """The problem with every scene's shots together, and each of its shots' index in the original."""
    order = np.arange(problem.shot_count)
    if problem.scenes_are_runs:
        return problem, order
    order = np.argsort(problem.scene, kind="stable")
    return problem.reordered(order), order


class _Solver:
    def __init__(self, problem: Problem, ordered: Problem, order: Ints, clock: _Clock) -> None:
        self._problem, self._ordered, self._order, self._clock = problem, ordered, order, clock
        self._scores: ScoreTable = score_table(problem)
        self.ordered_scores = self._scores if ordered is problem else score_table(ordered)
        self.options = build_options(ordered, self.ordered_scores)

    def _steps(self, steps: Iterable[Step]) -> list[Step]:
        """Steps of the ordered problem as steps of the original, in film order."""
        if self._ordered is self._problem:
            return list(steps)
        found, bar = [], 0
        for shot, length in sorted((int(self._order[step.shot_index]), step.bar_count) for step in steps):
            found.append(Step(shot, bar, length))
            bar += length
        return found

    def _selection(self, steps: Iterable[Step]) -> Selection:
        return selection_of(self._problem, self._scores, self._steps(steps))

    def solve(self) -> Solution:
        try:
            several = self._ordered.solution_count > 1
            if isinstance(self._ordered.scene_limit, SoftSceneLimit):
                return self._soft_several() if several else self._soft()
            return self._several() if several else self._hard()
        except TooManyGroupsError:
            return self._cp_sat()

    def _hard(self) -> Solution:
        choices = with_groups(
            self._ordered,
            lambda groups: solve_table(self._ordered, self.options, groups=groups, check=self._clock.patient),
            lambda answer: [choice.steps for choice in answer],
        )
        if not choices:
            return Solution(status=Status.INFEASIBLE, method=Method.RECURSION)
        return self._proven(best_choice(choices), choices, [])

    def _several(self) -> Solution:
        found, frontier = with_groups(
            self._ordered,
            lambda groups: best_choices(self._ordered, self.options, groups=groups, check=self._clock.patient),
            lambda answer: [choice.steps for part in answer for choice in part],
        )
        if not found:
            return Solution(status=Status.INFEASIBLE, method=Method.RECURSION)
        return self._proven(found[0], frontier, found[1:])

    def _proven(self, best: Choice, frontier: list[Choice], others: list[Choice]) -> Solution:
        selection = self._selection(best.steps)
        return Solution(
            status=Status.OPTIMAL,
            method=Method.RECURSION,
            objective=selection.objective,
            best_bound=selection.objective,
            placements=selection.placements,
            scene_frontier=tuple(
                FrontierPoint(choice.scene_count, self._selection(choice.steps).objective)
                for choice in frontier
                if choice.scene_count
            ),
            alternatives=tuple(self._selection(choice.steps) for choice in others),
        )

    def _soft(self) -> Solution:
        def selections(answer: SoftChoice | None) -> list[tuple[Step, ...]]:
            return [answer.steps] if answer is not None and answer.steps is not None else []

        choice = with_groups(
            self._ordered,
            lambda groups: solve_soft(
                self._ordered, self.options, groups=groups, check=self._clock, patient=self._clock.patient
            ),
            selections,
        )
        if choice is None:
            return Solution(status=Status.INFEASIBLE, method=Method.LABELS)
        method = Method.LABELS if choice.used_labels else Method.RECURSION
        if choice.steps is None:
            return Solution(status=Status.UNKNOWN, method=method)
        return self._bounded([choice.steps], self._score(choice.bound), method, proven=choice.bound <= choice.value)

    def _soft_several(self) -> Solution:
        answer = with_groups(
            self._ordered,
            lambda groups: solve_soft_several(
                self._ordered, self.options, groups=groups, check=self._clock, patient=self._clock.patient
            ),
            lambda answer: [choice.steps for choice in answer.choices],
        )
        method = Method.LABELS if answer.used_labels else Method.RECURSION
        if not answer.choices:
            return Solution(status=Status.INFEASIBLE if answer.proven else Status.UNKNOWN, method=method)
        steps = [choice.steps for choice in answer.choices]
        return self._bounded(steps, self._score(answer.bound), method, proven=answer.proven)

    def _score(self, value: int) -> float:
        """The highest score that a value of the recursion can stand for."""
        options = self.options
        return -(-(value + options.bar_count) // options.value_factor) / options.quantum

    def _bounded(self, found: Sequence[Iterable[Step]], bound: float, method: Method, *, proven: bool) -> Solution:
        """The solution of selections, best first, with an upper bound."""
        selections = [self._selection(steps) for steps in found]
        best = selections[0]
        return self._with_soft_sum(
            Solution(
                status=Status.OPTIMAL if proven else Status.FEASIBLE,
                method=method,
                objective=best.objective,
                best_bound=best.objective if proven else max(best.objective, bound),
                placements=best.placements,
                alternatives=tuple(selections[1:]),
            )
        )

    def _with_soft_sum(self, solution: Solution) -> Solution:
        limit = self._problem.scene_limit
        if not isinstance(limit, SoftSceneLimit):
            return solution
        total = soft_sum(self._problem, [Step(p.shot_index, p.first_bar, p.bar_count) for p in solution.placements])
        excess = max(total - limit.max_scenes, total * 0)
        return replace(solution, soft_weight_sum=float(total), soft_excess=float(excess))

    def _cp_sat(self) -> Solution:
        from moodcut_solver.fallback import solve_with_cp_sat

        answer = solve_with_cp_sat(self._ordered, self._clock)
        if not answer.selections:
            return Solution(status=answer.status, method=Method.CP_SAT)
        return self._bounded(answer.selections, answer.bound, Method.CP_SAT, proven=answer.status is Status.OPTIMAL)
