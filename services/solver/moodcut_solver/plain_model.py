"""The selection problem as a plain CP-SAT model, written from the definition alone.

It shares nothing with the recursion but the problem itself, for its purpose is to catch the recursion's mistakes (and
to solve what the recursion cannot hold). One Boolean for each way to use a shot: (shot, length) where position does
not matter, (shot, first bar, length) where it does.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ortools.sat.python import cp_model

from moodcut_solver.problem import HardSceneLimit, LengthMode, Problem, SoftMode, SoftSceneLimit, Weighting
from moodcut_solver.solution import Step

MOST_VARIABLES = 400_000
_LARGEST_OBJECTIVE = 1 << 50
_SMALLEST_SCORE = 1e-9


class ModelTooLargeError(Exception):
    """The model would have more variables than CP-SAT can be expected to handle."""


@dataclass(frozen=True, slots=True)
class Use:
    """A way to use a shot; ``first`` is -1 where position does not matter. ``score`` is what it adds."""

    shot: int
    first: int
    length: int
    score: float


def own_score(problem: Problem, shot: int, bar: int) -> float:
    """S_i on a bar."""
    row = int(problem.bar_row[shot])
    return float(problem.score[shot]) if row < 0 else float(problem.bar_scores[row, bar])


def lengths_at(problem: Problem, shot: int, first: int) -> range:
    """The lengths in bars that the problem's definition allows a shot from bar ``first``."""
    left = problem.bar_count - first
    if problem.boundaries is None:
        assert problem.bars is not None
        longest = int(problem.bars[shot])
        if problem.length_mode is LengthMode.WHOLE_SHOT:
            return range(longest, longest + 1) if 1 <= longest <= left else range(0)
    else:
        assert problem.ticks is not None
        longest = 0
        while longest < left and (
            int(problem.boundaries[first + longest + 1]) - int(problem.boundaries[first]) <= int(problem.ticks[shot])
        ):
            longest += 1
        if problem.length_mode is LengthMode.WHOLE_SHOT:
            return range(longest, longest + 1) if longest else range(0)
    return range(max(1, int(problem.min_bars[shot])), min(longest, left, int(problem.max_bars[shot])) + 1)


def all_uses(problem: Problem) -> list[Use]:
    """Every allowed way to use every shot, with its score (Eq. 10 included)."""
    members: dict[int, list[int]] = defaultdict(list)
    for shot, scene in enumerate(problem.scene.tolist()):
        members[scene].append(shot)
    varies = bool(len(problem.bar_scores))
    bars = range(problem.bar_count if varies else 1)
    means: dict[int, list[float]] = {}
    if problem.add_scene_mean:
        for scene, shots in members.items():
            means[scene] = [math.fsum(own_score(problem, shot, bar) for shot in shots) / len(shots) for bar in bars]
    placed = problem.position_matters
    uses: list[Use] = []
    for shot in range(problem.shot_count):
        if problem.excluded[shot]:
            continue
        mean = means.get(int(problem.scene[shot]), [0.0] * len(bars))
        adjusted = [own_score(problem, shot, bar) + mean[bar] for bar in bars]
        pin = int(problem.pinned[shot])
        for first in range(problem.bar_count) if placed else (0,):
            if pin not in (-1, first):
                continue
            for length in lengths_at(problem, shot, first):
                total = math.fsum(adjusted[first : first + length]) if varies else adjusted[0] * length
                score = total if problem.weighting is Weighting.PER_BAR else total / length
                uses.append(Use(shot, first if placed else -1, length, score))
        if len(uses) > MOST_VARIABLES:
            raise ModelTooLargeError
    return uses


class PlainModel:
    """A CP-SAT model of ``problem``. ``scale`` turns scores into the objective's integers."""

    def __init__(self, problem: Problem, *, scale: float | None = None, fewer_shots: bool = False) -> None:
        self._problem = problem
        self.uses = all_uses(problem)
        self.model = cp_model.CpModel()
        self.variables = [self.model.new_bool_var("") for _ in self.uses]
        largest = max((abs(use.score) for use in self.uses), default=0.0)
        factor = problem.bar_count + 1 if fewer_shots else 1
        room = _LARGEST_OBJECTIVE / (max(largest, _SMALLEST_SCORE) * factor * (problem.bar_count + 1))
        self.scale = min(10.0 ** math.floor(math.log10(room)), 1e12 if scale is None else scale)
        self.factor = factor
        self._by_shot: dict[int, list[Any]] = defaultdict(list)
        for use, variable in zip(self.uses, self.variables, strict=True):
            self._by_shot[use.shot].append(variable)
        self._chosen = {shot: sum(variables) for shot, variables in self._by_shot.items()}
        self._shots()
        self._bars()
        self._scenes()
        terms = [round(use.score * self.scale) * factor - (1 if fewer_shots else 0) for use in self.uses]
        self.model.maximize(sum(term * variable for term, variable in zip(terms, self.variables, strict=True)))

    def _count(self, shots: list[int]) -> Any:
        return sum(self._chosen.get(shot, 0) for shot in shots)

    def _shots(self) -> None:
        problem = self._problem
        for variables in self._by_shot.values():
            self.model.add_at_most_one(variables)
        for shot in range(problem.shot_count):
            if problem.required[shot] or problem.pinned[shot] >= 0:
                self._require(self._count([shot]), 1)
        groups: dict[int, list[int]] = defaultdict(list)
        for shot, group in enumerate(problem.group.tolist()):
            if group >= 0:
                groups[group].append(shot)
        for shots in groups.values():
            self.model.add_at_most_one([variable for shot in shots for variable in self._by_shot.get(shot, [])])
        for need in problem.coverage:
            self._require(self._count(list(range(need.first_index, need.end_index))), need.min_count)
        for scene in problem.required_scenes:
            self._require(self._count([i for i, s in enumerate(problem.scene.tolist()) if s == scene]), 1)

    def _require(self, count: Any, least: int) -> None:
        if isinstance(count, int):
            if count < least:
                self.model.add_bool_or([])
        else:
            self.model.add(count >= least)

    def _bars(self) -> None:
        problem = self._problem
        if not problem.position_matters:
            self.model.add(
                sum(use.length * variable for use, variable in zip(self.uses, self.variables, strict=True))
                == problem.bar_count
            )
            return
        covering: list[list[tuple[int, Any]]] = [[] for _ in range(problem.bar_count)]
        for use, variable in zip(self.uses, self.variables, strict=True):
            for bar in range(use.first, use.first + use.length):
                covering[bar].append((use.shot, variable))
        for entries in covering:
            self.model.add_exactly_one([variable for _, variable in entries])
        order = [sum(shot * variable for shot, variable in entries) for entries in covering]
        for before, after in pairwise(order):
            self.model.add(before <= after)

    def _scenes(self) -> None:
        problem, limit = self._problem, self._problem.scene_limit
        if limit is None:
            return
        scenes = problem.scene.tolist()
        if isinstance(limit, HardSceneLimit):
            used = {}
            for shot, chosen in self._chosen.items():
                if scenes[shot] not in used:
                    used[scenes[shot]] = self.model.new_bool_var("")
                self.model.add(chosen <= used[scenes[shot]])
            self.model.add(sum(used.values()) <= limit.max_scenes)
            return
        assert isinstance(limit, SoftSceneLimit)
        weights, capacity = soft_coefficients(problem, limit)
        self.model.add(sum(weights[shot] * chosen for shot, chosen in self._chosen.items()) <= capacity)

    def forbid(self, steps: list[Step]) -> None:
        """Rule one selection out."""
        chosen = set(self._indices(steps))
        self.model.add_bool_or(
            [variable.negated() if k in chosen else variable for k, variable in enumerate(self.variables)]
        )

    def _indices(self, steps: list[Step]) -> list[int]:
        placed = self._problem.position_matters
        index = {(use.shot, use.first, use.length): k for k, use in enumerate(self.uses)}
        return [index[(s.shot_index, s.first_bar if placed else -1, s.bar_count)] for s in steps]

    def hint(self, steps: list[Step]) -> None:
        """Start the search from a selection."""
        chosen = set(self._indices(steps))
        for k, variable in enumerate(self.variables):
            self.model.add_hint(variable, k in chosen)

    def steps(self, solver: cp_model.CpSolver) -> list[Step]:
        """The selection that ``solver`` has found, in film order."""
        found, bar = [], 0
        for use, variable in sorted(zip(self.uses, self.variables, strict=True), key=lambda pair: pair[0].shot):
            if solver.boolean_value(variable):
                found.append(Step(use.shot, bar, use.length))
                bar += use.length
        return found


def soft_coefficients(problem: Problem, limit: SoftSceneLimit) -> tuple[list[int], int]:
    """Integer weight of every shot, and the capacity.

    EXACT over a common denominator, or where that is too large for CP-SAT, rounded up at a fine scale.
    """
    sizes = [problem.scene.tolist().count(scene) for scene in range(len(problem.scene_ids))]
    shares = [Fraction(1, sizes[scene]) for scene in problem.scene.tolist()]
    capacity = min(limit.max_scenes, len(sizes))
    if limit.mode is SoftMode.SCALED:
        return [math.floor(limit.scale * share) for share in shares], limit.scale * capacity
    common = math.lcm(*sizes)
    if common * (capacity + problem.bar_count) > 1 << 60:
        common = 1 << 40
    return [math.ceil(common * share) for share in shares], common * capacity


def run(model: cp_model.CpModel, time_limit_seconds: float, *, workers: int) -> tuple[cp_model.CpSolver, Any]:
    """Solve ``model``; the solver and its status."""
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(0.01, time_limit_seconds)
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = 0
    status = solver.solve(model)
    return solver, status
