"""Solves with CP-SAT what the recursion cannot hold: many near-duplicate groups open at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ortools.sat.python import cp_model

from moodcut_solver.cp_sat import ModelTooLargeError, run
from moodcut_solver.plain_model import PlainModel
from moodcut_solver.problem import Problem
from moodcut_solver.solution import Status, Step

_LARGEST_RANK = 1 << 50


class Clock(Protocol):
    """Time and patience."""

    @property
    def seconds_left(self) -> float:
        """Seconds left, at least 0."""

    @property
    def should_stop(self) -> Callable[[], bool] | None:
        """Says whether the caller has gone."""


def _run(model: cp_model.CpModel, clock: Clock) -> tuple[cp_model.CpSolver, Any]:
    return run(model, clock.seconds_left, should_stop=clock.should_stop)


@dataclass(frozen=True, slots=True)
class FallbackAnswer:
    """What CP-SAT found, best first. ``bound`` is an upper bound on the objective of the first.

    ``status``: OPTIMAL if every selection is proven the best after those before it, and that there are no more if there
    are fewer than asked for.
    """

    status: Status
    selections: tuple[tuple[Step, ...], ...] = ()
    bound: float = 0.0


def solve_with_cp_sat(problem: Problem, clock: Clock) -> FallbackAnswer:
    """The ``solution_count`` best selections that CP-SAT finds in the time that ``clock`` leaves; ties as everywhere.

    A soft limit too fine for CP-SAT's integers is rounded to the safe side; its answer is not called optimal.
    """
    try:
        plain = PlainModel(problem, fewer_shots=True)
        relaxed = plain if plain.exact else PlainModel(problem, fewer_shots=True, round_up=False)
    except ModelTooLargeError:
        return FallbackAnswer(Status.UNKNOWN)
    found: list[tuple[Step, ...]] = []
    bound, proven = math.inf, plain.exact
    while len(found) < problem.solution_count:
        solver, status = _run(plain.model, clock)
        if status == cp_model.INFEASIBLE:
            if not found:
                return _nothing(relaxed, plain.exact, clock)
            break
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            proven = False
            break
        steps = plain.steps(solver)
        if not found:
            bound = _bound(relaxed, solver if plain.exact else None, clock)
        if status == cp_model.OPTIMAL:
            steps = _earliest(plain, steps, round(solver.objective_value), clock)
        else:
            proven = False
        found.append(tuple(steps))
        plain.forbid(steps)
    if not found:
        return FallbackAnswer(Status.UNKNOWN)
    return FallbackAnswer(Status.OPTIMAL if proven else Status.FEASIBLE, tuple(found), bound)


def _nothing(relaxed: PlainModel, exact: bool, clock: Clock) -> FallbackAnswer:
    if not exact:
        _, status = _run(relaxed.model, clock)
        exact = status == cp_model.INFEASIBLE
    return FallbackAnswer(Status.INFEASIBLE if exact else Status.UNKNOWN)


def _bound(relaxed: PlainModel, solver: cp_model.CpSolver | None, clock: Clock) -> float:
    """Upper bound on the objective, from the run that found the selection, or from one of the relaxed model."""
    if solver is None:
        solver, status = _run(relaxed.model, clock)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return math.inf
    return float(math.ceil(solver.best_objective_bound / relaxed.factor + 1) / relaxed.scale)


def _earliest(plain: PlainModel, steps: list[Step], objective: int, clock: Clock) -> list[Step]:
    """Of the selections with the same objective, the one with earlier shots, and with longer ones of the same.

    That is the greatest vector of the shots' bar counts in lexical order. It is found for as many shots at once as one
    integer can rank; where the time runs out, the rest stays as it is.
    """
    ranked = plain.model.clone()
    ranked.clear_objective()
    ranked.add(plain.objective == objective)
    base = 1 + max(use.length for use in plain.uses)
    size = max(1, int(math.log(_LARGEST_RANK, base)))
    shots = sorted({use.shot for use in plain.uses})
    for first in range(0, len(shots), size):
        rank = {shot: base ** (size - 1 - place) for place, shot in enumerate(shots[first : first + size])}
        worth = sum(
            rank[use.shot] * use.length * x
            for use, x in zip(plain.uses, plain.variables, strict=True)
            if use.shot in rank
        )
        ranked.clear_hints()
        plain.hint(steps, model=ranked)
        ranked.maximize(worth)
        solver, status = _run(ranked, clock)
        if status != cp_model.OPTIMAL:
            break
        steps = plain.steps(solver)
        ranked.add(worth == round(solver.objective_value))
    return steps
