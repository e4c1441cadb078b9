"""The cross-check: is the selection allowed, and is there no better one?

The selection is held against every constraint in plain words, then CP-SAT looks for a better one.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from moodcut_solver.cp_sat import ModelTooLargeError, run
from moodcut_solver.errors import SolveCancelledError
from moodcut_solver.plain_model import PlainModel
from moodcut_solver.problem import HardSceneLimit, Problem, SoftMode, SoftSceneLimit
from moodcut_solver.scene_values import values_apply
from moodcut_solver.scene_wise_model import SceneWiseModel
from moodcut_solver.solution import CrossCheck, Model, Step, Verdict
from moodcut_solver.uses import UseScores, lengths_at

_SCALE = 1e6


def violations(problem: Problem, steps: list[Step]) -> list[str]:
    """The constraints that a selection breaks, in words."""
    found = []
    bar, previous = 0, -1
    for step in steps:
        name = f"shot {problem.shot_ids[step.shot_index]!r}"
        if step.shot_index <= previous:
            found.append(f"{name} is out of film order")
        if step.first_bar != bar:
            found.append(f"{name} begins at bar {step.first_bar}, not {bar}")
        if step.bar_count not in lengths_at(problem, step.shot_index, step.first_bar):
            found.append(f"{name} cannot cover {step.bar_count} bars from bar {step.first_bar}")
        if problem.excluded[step.shot_index]:
            found.append(f"{name} is excluded")
        if problem.pinned[step.shot_index] not in (-1, step.first_bar):
            found.append(f"{name} is pinned to bar {problem.pinned[step.shot_index]}")
        previous, bar = step.shot_index, bar + step.bar_count
    if bar != problem.bar_count:
        found.append(f"{bar} bars are filled, not {problem.bar_count}")
    chosen = {step.shot_index for step in steps}
    needed = set(np.flatnonzero(problem.required | (problem.pinned >= 0)).tolist())
    found += [f"shot {problem.shot_ids[shot]!r} is required" for shot in sorted(needed - chosen)]
    scenes = Counter(int(problem.scene[shot]) for shot in chosen)
    found += [f"scene {problem.scene_ids[s]!r} is required" for s in problem.required_scenes if s not in scenes]
    for need in problem.coverage:
        count = sum(need.first_index <= shot < need.end_index for shot in chosen)
        if count < need.min_count:
            found.append(f"{count} shots of {need.first_index} to {need.end_index}, {need.min_count} needed")
    groups = Counter(int(problem.group[shot]) for shot in chosen)
    found += [f"{count} shots of one duplicate group" for group, count in groups.items() if group >= 0 and count > 1]
    return found + _scene_violations(problem, scenes)


def _scene_violations(problem: Problem, scenes: Counter[int]) -> list[str]:
    limit = problem.scene_limit
    if isinstance(limit, HardSceneLimit) and len(scenes) > limit.max_scenes:
        return [f"{len(scenes)} scenes are used, at most {limit.max_scenes} allowed"]
    if isinstance(limit, SoftSceneLimit):
        sizes = Counter(problem.scene.tolist())
        if limit.mode is SoftMode.EXACT:
            total = sum((Fraction(count, sizes[scene]) for scene, count in scenes.items()), Fraction(0))
            if total > limit.max_scenes:
                return [f"weights sum to {float(total)}, at most {limit.max_scenes} allowed"]
        elif sum(count * (limit.scale // sizes[scene]) for scene, count in scenes.items()) > (
            limit.scale * limit.max_scenes
        ):
            return [f"scaled weights exceed {limit.scale} x {limit.max_scenes}"]
    return []


def cross_check(
    problem: Problem,
    steps: list[Step] | None,
    objective: float,
    *,
    time_limit_seconds: float,
    should_stop: Callable[[], bool] | None = None,
) -> CrossCheck:
    """Check an answer: a selection with its objective, or ``steps`` None: that there is none.

    The selection is held against every constraint, and its scores are added up anew. Then CP-SAT looks for a better
    one, in the scene-wise model where scenes have values of their own, which proves far more; else in the plain one.
    Building the model counts for the time limit.
    """
    began = time.perf_counter()
    unit = _score_unit(problem)
    tolerance = max(problem.shot_count * unit / _SCALE, 1e-9 * abs(objective))
    broken = violations(problem, steps) if steps is not None else []
    verdict, model_kind = Verdict.NOT_PROVEN, Model.NONE
    found, bound = 0.0, 0.0

    def check() -> None:
        if should_stop is not None and should_stop():
            raise SolveCancelledError("the caller gave up")
        if time.perf_counter() - began > time_limit_seconds:
            raise ModelTooLargeError

    with suppress(ModelTooLargeError):
        if steps is not None and not broken:
            total = _total(problem, steps, check)
            if abs(total - objective) > tolerance:
                broken = [f"the scores sum to {total:.9g}, not {objective:.9g}"]
        model = check_model(problem, scale=_SCALE / unit, check=check)
        model_kind = model.kind
        if steps is not None and not broken:
            model.hint(steps)
        left = time_limit_seconds - (time.perf_counter() - began)
        solver, status = run(model.model, left, should_stop=should_stop)
        has_answer = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        if has_answer:
            found = model.score(solver)
        if steps is not None and has_answer:
            bound = solver.best_objective_bound / model.scale
        verdict = _verdict(status, found, bound, None if steps is None else objective, tolerance)
        if verdict is Verdict.DISAGREE and status != cp_model.INFEASIBLE and not model.exact:
            # What the model found may break the limit that it only holds roughly.
            verdict = Verdict.NOT_PROVEN
    if broken:
        verdict = Verdict.DISAGREE
    return CrossCheck(
        verdict=verdict,
        model=model_kind,
        objective=found,
        best_bound=bound,
        gap=max(0.0, bound - found) / max(1.0, abs(found)),
        violations=tuple(broken),
        solve_seconds=time.perf_counter() - began,
    )


def check_model(
    problem: Problem, *, scale: float = _SCALE, check: Callable[[], None] = lambda: None
) -> PlainModel | SceneWiseModel:
    """The model to check ``problem`` with. Everything allowed is in it. Raises ModelTooLargeError, or as ``check``."""
    if values_apply(problem):
        return SceneWiseModel(problem, scale=scale, check=check)
    return PlainModel(problem, scale=scale, round_up=False, check=check)


def _score_unit(problem: Problem) -> float:
    """1, or the largest score if all are smaller: tiny scores are told apart as well."""
    largest = max(float(np.max(np.abs(values), initial=0.0)) for values in (problem.score, problem.bar_scores))
    return min(1.0, largest) or 1.0


def _total(problem: Problem, steps: list[Step], check: Callable[[], None]) -> float:
    scores = UseScores(problem, check=check)
    return math.fsum(scores.total(scores.of(step.shot_index), step.first_bar, step.bar_count) for step in steps)


def _verdict(status: Any, found: float, bound: float, objective: float | None, tolerance: float) -> Verdict:
    """What CP-SAT's outcome says of ``objective`` (None: that there is no selection)."""
    has_answer = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    if objective is None:
        if status == cp_model.INFEASIBLE:
            return Verdict.AGREE
        return Verdict.DISAGREE if has_answer else Verdict.NOT_PROVEN
    if status == cp_model.INFEASIBLE or (has_answer and found > objective + tolerance):
        return Verdict.DISAGREE
    if status == cp_model.OPTIMAL and found < objective - tolerance:
        return Verdict.DISAGREE
    return Verdict.AGREE if has_answer and bound <= objective + tolerance else Verdict.NOT_PROVEN
