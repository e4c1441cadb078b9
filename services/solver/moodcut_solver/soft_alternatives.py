"""The K best selections within a soft scene limit: best-first search over the recursion with labels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from moodcut_solver.alternatives import BestFirst, best_choices, first_of
from moodcut_solver.automaton import Automaton, build_automaton
from moodcut_solver.dual import Dual
from moodcut_solver.hard import Choice, check_layers
from moodcut_solver.labels import LabelTable
from moodcut_solver.options import Options
from moodcut_solver.problem import Problem
from moodcut_solver.soft import at_hand, climb
from moodcut_solver.soft_weights import Weights, soft_weights, within_limit
from moodcut_solver.table import Checkpoint


@dataclass(frozen=True, slots=True)
class SoftChoices:
    """Selections within the limit, best first; ``bound``: no selection has a higher value.

    ``proven``: each is the best but for those before it, and if there are fewer than asked for, there are no more.
    """

    choices: tuple[Choice, ...]
    bound: int
    proven: bool
    used_labels: bool


def solve_soft_several(
    problem: Problem,
    options: Options,
    *,
    groups: Collection[int] = (),
    check: Checkpoint,
    patient: Checkpoint,
) -> SoftChoices:
    """The ``solution_count`` best selections within the soft limit; none, and proven, if there are none.

    Near-duplicate groups beyond ``groups`` are ignored. ``check`` may raise OutOfTimeError: what was found is returned.
    ``patient`` watches what is done whatever the time.
    """
    most = problem.solution_count
    free, _ = best_choices(problem, options, groups=groups, check=patient)
    down = soft_weights(problem)
    within = tuple(choice for choice in free if within_limit(problem, down, choice.steps))
    if len(within) == len(free) or len(free) < most:
        return SoftChoices(within, within[0].value if within else 0, proven=True, used_labels=False)
    automaton = build_automaton(problem, groups=groups)
    answer = _search(options, automaton, down, most, free[0].value, check, patient)
    if down.exact or all(within_limit(problem, down, choice.steps) for choice in answer.choices):
        return answer
    safe = _search(options, automaton, soft_weights(problem, round_up=True), most, free[0].value, check, patient)
    return SoftChoices(safe.choices, answer.bound, proven=False, used_labels=True)


def _search(
    options: Options,
    automaton: Automaton,
    weights: Weights,
    most: int,
    free: int,
    check: Checkpoint,
    patient: Checkpoint,
) -> SoftChoices:
    """``free``: the best value without the limit."""
    check_layers(automaton.state_count, options)
    dual = Dual(options, automaton, weights, check=check, patient=patient)
    if not dual.feasible:
        return SoftChoices((), 0, proven=True, used_labels=True)

    def read(table: LabelTable) -> tuple[list[Choice] | None, float]:
        search = BestFirst(
            options, automaton, table, check=check, starts={0: 0}, weights=weights.weights, budget=weights.capacity
        )
        found = first_of(search, most)
        # Only as many as were asked for say what a selection must be worth to be one of them.
        return found or None, float(found[-1].value) if len(found) == most else -np.inf

    found, proven = climb(dual, options, automaton, weights, read, floor=-np.inf, check=check)
    if not found:
        table = at_hand(dual, options, automaton, weights)
        value = table.best(0)
        assert value is not None
        found, proven = [Choice(value, 0, tuple(table.steps(0)))], False
    choices = tuple(found)
    return SoftChoices(choices, choices[0].value if proven else min(dual.bound, free), proven, used_labels=True)
