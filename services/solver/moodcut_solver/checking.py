"""The cross-check: is the selection allowed, and is there no better one?

The selection is held against every constraint in plain words, then CP-SAT looks for a better one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from moodcut_solver.cp_sat import ModelTooLargeError, run
from moodcut_solver.plain_model import PlainModel
from moodcut_solver.problem import HardSceneLimit, Problem, SoftMode, SoftSceneLimit
from moodcut_solver.scene_values import values_apply
from moodcut_solver.scene_wise_model import SceneWiseModel
from moodcut_solver.solution import CrossCheck, Model, Step, Verdict
from moodcut_solver.uses import lengths_at

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
    proven: bool,
    time_limit_seconds: float,
    should_stop: Callable[[], bool] | None = None,
) -> CrossCheck:
    """Check an answer: a selection with its objective (``proven`` optimal or not), or ``steps`` None: infeasible.

    CP-SAT solves the scene-wise model where scenes have values of their own, which proves far more; else the plain one.
    """
    began = time.perf_counter()
    broken = violations(problem, steps) if steps is not None else []
    verdict, model_kind = Verdict.NOT_PROVEN, Model.NONE
    found, bound = 0.0, 0.0
    try:
        model = check_model(problem)
    except ModelTooLargeError:
        pass
    else:
        model_kind = model.kind
        if steps is not None and not broken:
            model.hint(steps)
        solver, status = run(model.model, time_limit_seconds, should_stop=should_stop)
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            found = model.score(solver)
        if steps is not None and status != cp_model.INFEASIBLE:
            bound = solver.best_objective_bound / model.scale
        verdict = _verdict(problem, status, found, bound, None if steps is None else objective, proven=proven)
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


def check_model(problem: Problem) -> PlainModel | SceneWiseModel:
    """The model to check ``problem`` with. Everything allowed is in it. Raises ModelTooLargeError."""
    if values_apply(problem):
        return SceneWiseModel(problem, scale=_SCALE)
    return PlainModel(problem, scale=_SCALE, round_up=False)


def _verdict(
    problem: Problem, status: Any, found: float, bound: float, objective: float | None, *, proven: bool
) -> Verdict:
    """What CP-SAT's outcome says of ``objective`` (None: that there is no selection)."""
    has_answer = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    if objective is None:
        if status == cp_model.INFEASIBLE:
            return Verdict.AGREE
        return Verdict.DISAGREE if has_answer else Verdict.NOT_PROVEN
    if status == cp_model.INFEASIBLE:
        return Verdict.DISAGREE
    tolerance = max(problem.shot_count / _SCALE, 1e-9 * abs(objective))
    if proven and has_answer and found > objective + tolerance:
        return Verdict.DISAGREE
    if status == cp_model.OPTIMAL and found < objective - tolerance:
        return Verdict.DISAGREE
    return Verdict.AGREE if proven and has_answer and bound <= objective + tolerance else Verdict.NOT_PROVEN
