"""Solves with CP-SAT what the recursion cannot hold: many near-duplicate groups open at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ortools.sat.python import cp_model

from moodcut_solver.checking import worker_count
from moodcut_solver.plain_model import ModelTooLargeError, PlainModel, run
from moodcut_solver.problem import Problem
from moodcut_solver.solution import Status, Step


@dataclass(frozen=True, slots=True)
class FallbackAnswer:
    """What CP-SAT found; ``bound`` is an upper bound on the objective."""

    status: Status
    steps: tuple[Step, ...]
    bound: float


def solve_with_cp_sat(problem: Problem, time_limit_seconds: float) -> FallbackAnswer:
    """The best selection that CP-SAT finds within the time limit; equal scores go to fewer shots."""
    try:
        plain = PlainModel(problem, fewer_shots=True)
    except ModelTooLargeError:
        return FallbackAnswer(Status.UNKNOWN, (), 0.0)
    solver, status = run(plain.model, time_limit_seconds, workers=worker_count())
    if status == cp_model.INFEASIBLE:
        return FallbackAnswer(Status.INFEASIBLE, (), 0.0)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return FallbackAnswer(Status.UNKNOWN, (), 0.0)
    bound = math.ceil(solver.best_objective_bound / plain.factor + 1) / plain.scale
    found = Status.OPTIMAL if status == cp_model.OPTIMAL else Status.FEASIBLE
    return FallbackAnswer(found, tuple(plain.steps(solver)), bound)
