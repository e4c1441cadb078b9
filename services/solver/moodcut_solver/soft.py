"""Solves problems with a soft scene limit (Eq. 12, 13), exactly or the paper's scaled way.

Both are the same problem in integers: weights w_i and a capacity. SCALED: floor(scale / size) and scale * max_scenes.
EXACT: L / size and L * max_scenes, L the least common multiple of the scene sizes. Where L is too large for exact
arithmetic, weights are rounded down at a fine scale (a bound, and the answer if its true sum fits), then up (always
fits); where these differ the answer is feasible with a gap.

The search: without the limit first; then the Lagrangian dual, a line search over the recursion; then labels bounded by
it, first a few a cell for a good selection, then all that could beat or equal it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from moodcut_solver.automaton import Automaton, build_automaton
from moodcut_solver.dual import Dual
from moodcut_solver.hard import best_choice, check_layers, check_size, solve_table
from moodcut_solver.labels import LABEL_LIMIT, LabelBounds, LabelTable, TooManyLabelsError
from moodcut_solver.options import IMPOSSIBLE, Options
from moodcut_solver.problem import Problem
from moodcut_solver.soft_weights import Weights, soft_weights, within_limit
from moodcut_solver.solution import Step
from moodcut_solver.table import Checkpoint, OutOfTimeError

# Labels a cell (0: all) and labels in all. A better selection known makes the next full attempt smaller.
_ATTEMPTS = ((8, LABEL_LIMIT), (0, 2_000_000), (64, LABEL_LIMIT), (0, 6_000_000), (512, LABEL_LIMIT), (0, LABEL_LIMIT))

# Beside a price like this no value counts.
_WEIGHT_ALONE = 1e280

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class SoftChoice:
    """A selection, its value and an upper bound on every selection's value; without ``steps`` none was found."""

    value: int
    bound: int
    steps: tuple[Step, ...] | None
    used_labels: bool


def solve_soft(
    problem: Problem,
    options: Options,
    *,
    groups: Collection[int] = (),
    check: Checkpoint,
    patient: Checkpoint,
) -> SoftChoice | None:
    """The best selection within the soft limit, or None if there is none.

    Near-duplicate groups beyond ``groups`` are ignored. ``check`` may raise OutOfTimeError, which gives the best
    selection so far with a bound; ``patient`` watches what is done whatever the time.
    """
    automaton = build_automaton(problem, groups=groups)
    check_size(problem, automaton.state_count, options)
    free = solve_table(problem, options, groups=groups, check=patient)
    if not free:
        return None
    best = best_choice(free)
    down = soft_weights(problem)
    if within_limit(problem, down, best.steps):
        return SoftChoice(best.value, best.value, best.steps, used_labels=False)
    answer = _search(options, automaton, down, best.value, check, patient)
    if answer is None or down.exact:
        return answer
    if answer.steps is not None and within_limit(problem, down, answer.steps):
        return answer
    safe = _search(options, automaton, soft_weights(problem, round_up=True), best.value, check, patient)
    if safe is None:
        return SoftChoice(IMPOSSIBLE, answer.bound, None, used_labels=True)
    return SoftChoice(safe.value, max(safe.value, answer.bound), safe.steps, used_labels=True)


def _search(
    options: Options, automaton: Automaton, weights: Weights, free: int, check: Checkpoint, patient: Checkpoint
) -> SoftChoice | None:
    """``free``: the best value without the limit."""
    check_layers(automaton.state_count, options)
    dual = Dual(options, automaton, weights, check=check, patient=patient)
    if not dual.feasible:
        return None

    def read(table: LabelTable) -> tuple[LabelTable | None, float]:
        value = table.best(0)
        return (None, -np.inf) if value is None else (table, float(value))

    found, proven = climb(dual, options, automaton, weights, read, floor=dual.floor, check=check)
    if found is None:
        found, proven = at_hand(dual, options, automaton, weights), False
    value = found.best(0)
    assert value is not None
    return SoftChoice(value, value if proven else min(dual.bound, free), tuple(found.steps(0)), used_labels=True)


def climb(
    dual: Dual,
    options: Options,
    automaton: Automaton,
    weights: Weights,
    read: Callable[[LabelTable], tuple[_Found | None, float]],
    *,
    floor: float,
    check: Checkpoint,
) -> tuple[_Found | None, bool]:
    """Label tables with a rising floor: few labels a cell first, then all that may reach what was found.

    ``read`` says what a table holds and how much of it is worth at least what; its best answer is returned, and whether
    the table it is from left nothing out that is worth as much.
    """
    best: _Found | None = None
    if dual.gains is None:
        return None, False
    try:
        for beam, label_limit in _ATTEMPTS:
            bounds = LabelBounds(dual.gains, dual.multiplier, weights.capacity, floor)
            try:
                table = LabelTable(
                    options, automaton, weights.weights, bounds, check=check, beam=beam, label_limit=label_limit
                )
            except TooManyLabelsError:
                continue
            found, value = read(table)
            if found is not None and (best is None or not beam or value > floor):
                best = found
            floor = max(floor, value - dual.slack)
            if not beam:
                return best, True
    except OutOfTimeError:
        pass
    return best, False


def at_hand(dual: Dual, options: Options, automaton: Automaton, weights: Weights) -> LabelTable:
    """Some selection within the capacity where ``dual`` is feasible, without asking for the time.

    One label a cell leads to the relaxed optimum that ``dual`` has seen, or else to the lightest selection.
    """
    shape = (len(weights.weights), automaton.state_count, options.bar_count + 1)
    for multiplier in (dual.light_multiplier, _WEIGHT_ALONE):
        bounds = LabelBounds(np.zeros(shape), multiplier, weights.capacity, -np.inf)
        table = LabelTable(options, automaton, weights.weights, bounds, check=lambda: None, beam=1)
        if table.best(0) is not None:
            break
    return table
