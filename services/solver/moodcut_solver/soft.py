"""Solves problems with a soft scene limit (Eq. 12, 13), exactly or the paper's scaled way.

Both are the same problem in integers: weights w_i and a capacity. SCALED: floor(scale / size) and scale * max_scenes.
EXACT: L / size and L * max_scenes, L the least common multiple of the scene sizes. Where L is too large for exact
arithmetic, weights are rounded down at a fine scale (a bound, and the answer if its true sum fits), then up (always
fits); where these differ the answer is feasible with a gap.

The search: without the limit first; then the Lagrangian dual, a line search over the recursion; then labels bounded by
it, first a few a cell for a good selection, then all that could beat or equal it.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from moodcut_solver.automaton import Automaton, build_automaton
from moodcut_solver.forward import Forward, forward
from moodcut_solver.hard import best_choice, check_size, solve_table
from moodcut_solver.labels import LABEL_LIMIT, LabelBounds, LabelTable, TooManyLabelsError
from moodcut_solver.options import IMPOSSIBLE, Options
from moodcut_solver.problem import Ints, Problem, SoftMode, SoftSceneLimit
from moodcut_solver.solution import Step
from moodcut_solver.table import Checkpoint

_FINE_SCALE = 1 << 40
_EXACT_FLOAT = 1 << 53
_SLACK = 1 << 24
# Labels a cell (0: all) and labels in all. A better selection known makes the next full attempt smaller.
_ATTEMPTS = ((8, LABEL_LIMIT), (0, 2_000_000), (64, LABEL_LIMIT), (0, 6_000_000), (512, LABEL_LIMIT), (0, LABEL_LIMIT))


class OutOfTimeError(Exception):
    """The time limit has passed."""


@dataclass(frozen=True, slots=True)
class SoftChoice:
    """A selection, its value and an upper bound on every selection's value; without ``steps`` none was found."""

    value: int
    bound: int
    steps: tuple[Step, ...] | None
    used_labels: bool


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Integer weights (n,) and the capacity; ``exact`` if they stand for the limit exactly."""

    weights: Ints
    capacity: int
    exact: bool


def soft_sum(problem: Problem, steps: Collection[Step]) -> Fraction:
    """The true sum of 1 / |scene| over the chosen shots."""
    sizes = problem.scene_sizes
    return sum((Fraction(1, int(sizes[problem.scene[step.shot_index]])) for step in steps), Fraction(0))


def soft_weights(problem: Problem, *, round_up: bool = False) -> Weights:
    """Integer weights for the problem's soft limit."""
    limit = problem.scene_limit
    assert isinstance(limit, SoftSceneLimit)
    sizes = problem.scene_sizes
    most = min(limit.max_scenes, len(sizes))
    each = sizes[problem.scene]
    if limit.mode is SoftMode.SCALED:
        return Weights(limit.scale // each, limit.scale * most, exact=True)
    common = math.lcm(*(int(size) for size in np.unique(each[~problem.excluded])))
    if common * (problem.bar_count + most) <= _EXACT_FLOAT:
        return Weights(common // each, common * most, exact=True)
    rounded = -(-_FINE_SCALE // each) if round_up else _FINE_SCALE // each
    return Weights(rounded, _FINE_SCALE * most, exact=False)


def solve_soft(
    problem: Problem, options: Options, *, groups: Collection[int] = (), check: Checkpoint
) -> SoftChoice | None:
    """The best selection within the soft limit, or None if there is none.

    Near-duplicate groups beyond ``groups`` are ignored. ``check`` may raise :class:`OutOfTimeError`, which gives the
    best selection so far with a bound, or passes on where there is none.
    """
    automaton = build_automaton(problem, groups=groups)
    check_size(problem, automaton.state_count, options)
    free = solve_table(problem, options, groups=groups, check=check)
    if not free:
        return None
    best = best_choice(free)
    limit = problem.scene_limit
    assert isinstance(limit, SoftSceneLimit)
    down = soft_weights(problem)
    if down.exact or limit.mode is SoftMode.SCALED:
        within = sum(int(down.weights[step.shot_index]) for step in best.steps) <= down.capacity
    else:
        within = soft_sum(problem, best.steps) <= limit.max_scenes
    if within:
        return SoftChoice(best.value, best.value, best.steps, used_labels=False)
    answer = _search(problem, options, automaton, down, check)
    if answer is None or down.exact:
        return answer
    if answer.steps is not None and soft_sum(problem, answer.steps) <= limit.max_scenes:
        return answer
    safe = _search(problem, options, automaton, soft_weights(problem, round_up=True), check)
    if safe is None:
        return SoftChoice(IMPOSSIBLE, answer.bound, None, used_labels=True)
    return SoftChoice(safe.value, max(safe.value, answer.bound), safe.steps, used_labels=True)


def _search(
    problem: Problem, options: Options, automaton: Automaton, weights: Weights, check: Checkpoint
) -> SoftChoice | None:
    dual = _Dual(options, automaton, weights, check)
    if not dual.feasible:
        return None
    found: LabelTable | None = None
    floor = dual.floor
    proven = False
    try:
        for beam, label_limit in _ATTEMPTS:
            bounds = LabelBounds(dual.gains, dual.multiplier, weights.capacity, floor)
            try:
                table = LabelTable(
                    options, automaton, weights.weights, bounds, check=check, beam=beam, label_limit=label_limit
                )
            except TooManyLabelsError:
                continue
            value = table.best(0)
            if value is not None:
                found = table
                floor = max(floor, float(value) - _SLACK)
            if not beam:
                proven = True
                break
    except OutOfTimeError:
        pass
    if found is None and not proven:
        return SoftChoice(IMPOSSIBLE, dual.bound, None, used_labels=True)
    if found is None:
        return None
    value = found.best(0)
    assert value is not None
    return SoftChoice(value, value if proven else dual.bound, tuple(found.steps(0)), used_labels=True)


class _Dual:
    """The Lagrangian dual: the multiplier at which the relaxed optimum bounds best, and the prefixes' gains there.

    Each evaluation gives a selection, a line value - multiplier * weight. The next multiplier is where the best
    feasible line and the best infeasible line meet, until no selection lies above that point.
    """

    def __init__(self, options: Options, automaton: Automaton, weights: Weights, check: Checkpoint) -> None:
        self._options, self._automaton, self._check = options, automaton, check
        self._weights = weights.weights.astype(np.float64)
        self._capacity = weights.capacity
        last = options.bar_count
        lightest = self._run(1.0, use_values=False)
        self.feasible = bool(-lightest.gain[0, last] <= weights.capacity)
        self.floor = -np.inf
        self.multiplier = 0.0
        if not self.feasible:
            return
        heavy = self._line(0.0)
        light = self._first_feasible(heavy[0])
        self.multiplier = self._meet(light, heavy)
        final = self._run(self.multiplier, use_values=True, keep_layers=True)
        self.gains = final.layers
        self.bound = math.ceil(final.gain[0, last] + self.multiplier * weights.capacity) + _SLACK

    def _run(self, multiplier: float, *, use_values: bool, keep_layers: bool = False) -> Forward:
        return forward(
            self._options,
            self._automaton,
            start=0,
            check=self._check,
            use_values=use_values,
            weights=self._weights,
            multiplier=multiplier,
            keep_layers=keep_layers,
        )

    def _line(self, multiplier: float) -> tuple[float, float]:
        """Value and weight of the relaxed optimum."""
        result = self._run(multiplier, use_values=True)
        weight = float(result.weight[0, self._options.bar_count])
        value = float(result.gain[0, self._options.bar_count]) + multiplier * weight
        if weight <= self._capacity:
            self.floor = max(self.floor, value - _SLACK)
        return value, weight

    def _first_feasible(self, scale: float) -> tuple[float, float] | None:
        multiplier = max(1.0, abs(scale)) / self._capacity
        for _ in range(40):
            line = self._line(multiplier)
            if line[1] <= self._capacity:
                return line
            multiplier *= 4.0
        return None

    def _meet(self, light: tuple[float, float] | None, heavy: tuple[float, float]) -> float:
        if light is None:
            return 0.0
        multiplier = 0.0
        for _ in range(60):
            if heavy[1] <= light[1]:
                break
            multiplier = max(0.0, (heavy[0] - light[0]) / (heavy[1] - light[1]))
            value, weight = self._line(multiplier)
            height = value - multiplier * weight
            if height <= light[0] - multiplier * light[1] + _SLACK:
                break
            if weight <= self._capacity:
                light = (value, weight)
            else:
                heavy = (value, weight)
        return multiplier
