"""The cross-check: is the selection allowed, and is there no better one?

The selection is held against every constraint in plain words, then CP-SAT looks for a better one.
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from fractions import Fraction

import numpy as np
from ortools.sat.python import cp_model

from moodcut_solver.plain_model import ModelTooLargeError, PlainModel, lengths_at, run
from moodcut_solver.problem import HardSceneLimit, Problem, SoftMode, SoftSceneLimit
from moodcut_solver.solution import CrossCheck, Model, Step, Verdict

_SCALE = 1e6


def worker_count() -> int:
    """Threads for CP-SAT."""
    return max(1, min(8, os.cpu_count() or 1))


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
    problem: Problem, steps: list[Step] | None, objective: float, *, proven: bool, time_limit_seconds: float
) -> CrossCheck:
    """Check an answer: a selection with its objective (``proven`` optimal or not), or ``steps`` None: infeasible."""
    began = time.perf_counter()
    broken = violations(problem, steps) if steps is not None else []
    tolerance = max(problem.shot_count / _SCALE, 1e-9 * abs(objective))
    verdict, model_kind = Verdict.NOT_PROVEN, Model.PLAIN
    found, bound = 0.0, 0.0
    try:
        plain = PlainModel(problem, scale=_SCALE)
        if steps is not None and not broken:
            plain.hint(steps)
        solver, status = run(plain.model, time_limit_seconds, workers=worker_count())
        has_answer = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        if has_answer:
            chosen = [use.score for use, x in zip(plain.uses, plain.variables, strict=True) if solver.boolean_value(x)]
            found = math.fsum(chosen)
        if status == cp_model.INFEASIBLE:
            verdict = Verdict.AGREE if steps is None else Verdict.DISAGREE
        elif steps is None:
            verdict = Verdict.DISAGREE if has_answer else Verdict.NOT_PROVEN
        else:
            bound = solver.best_objective_bound / plain.scale
            worse = has_answer and found > objective + tolerance
            if proven and worse:
                verdict = Verdict.DISAGREE
            elif proven and bound <= objective + tolerance:
                verdict = Verdict.AGREE
            elif status == cp_model.OPTIMAL and found < objective - tolerance:
                verdict = Verdict.DISAGREE
    except ModelTooLargeError:
        model_kind = Model.NONE
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
