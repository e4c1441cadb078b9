"""The selection problem scene by scene as a CP-SAT model: one Boolean for each filling of each scene.

Far fewer ties and far tighter bounds than the plain model, where scenes have values of their own (see
:mod:`moodcut_solver.scene_values`).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from typing import Any

from ortools.sat.python import cp_model

from moodcut_solver.cp_sat import ModelTooLargeError, objective_scale, soft_coefficients
from moodcut_solver.problem import HardSceneLimit, Problem, SoftSceneLimit
from moodcut_solver.scene_values import Filling, scene_fillings
from moodcut_solver.solution import Model, Step
from moodcut_solver.uses import Use, shot_uses

_MOST_VARIABLES = 400_000


class SceneWiseModel:
    """A CP-SAT model of a problem to which :func:`~moodcut_solver.scene_values.values_apply`.

    ``scale`` turns scores into the objective's integers. A soft limit whose weights have no common denominator that is
    small enough is rounded down: all that is allowed is in the model then, and more (``exact`` is false).
    """

    kind = Model.SCENE_WISE

    def __init__(self, problem: Problem, *, scale: float, check: Callable[[], None] = lambda: None) -> None:
        """``check`` is called now and then and may raise to stop. Raises ModelTooLargeError."""
        self._scenes = problem.scene.tolist()
        self._soft = isinstance(problem.scene_limit, SoftSceneLimit)
        self.model = cp_model.CpModel()
        self._fillings = self._all_fillings(problem, check)
        largest = max((abs(filling.score) for _, filling in self._fillings), default=0.0)
        most_scenes = min(problem.bar_count, len(problem.scene_ids))
        self.scale = objective_scale(largest * (most_scenes + 1), scale)
        self.exact = True
        self.variables = [self.model.new_bool_var("") for _ in self._fillings]
        pairs = list(zip(self._fillings, self.variables, strict=True))
        self._choose(problem, pairs)
        self.model.add(sum(filling.bar_count * x for (_, filling), x in pairs) == problem.bar_count)
        self._limit(problem, pairs)
        self.model.maximize(sum(round(filling.score * self.scale) * x for (_, filling), x in pairs))

    def _all_fillings(self, problem: Problem, check: Callable[[], None]) -> list[tuple[int, Filling]]:
        by_scene: dict[int, list[Use]] = defaultdict(list)
        for use in shot_uses(problem, check=check):
            by_scene[self._scenes[use.shot]].append(use)
        required: dict[int, set[int]] = defaultdict(set)
        for shot in problem.required.nonzero()[0].tolist():
            required[self._scenes[shot]].add(shot)
        self._needed = set(required) | set(problem.required_scenes)
        found: list[tuple[int, Filling]] = []
        for scene, uses in by_scene.items():
            fillings = scene_fillings(
                uses,
                bar_count=problem.bar_count,
                required=frozenset(required[scene]),
                count_shots=self._soft,
                check=check,
            )
            found += [(scene, filling) for filling in fillings]
            if len(found) > _MOST_VARIABLES:
                raise ModelTooLargeError
        return found

    def _choose(self, problem: Problem, pairs: list[tuple[tuple[int, Filling], Any]]) -> None:
        of_scene: dict[int, list[Any]] = defaultdict(list)
        for (scene, _), variable in pairs:
            of_scene[scene].append(variable)
        for scene in range(len(problem.scene_ids)):
            if scene in self._needed:
                self.model.add_exactly_one(of_scene[scene])
            elif scene in of_scene:
                self.model.add_at_most_one(of_scene[scene])

    def _limit(self, problem: Problem, pairs: list[tuple[tuple[int, Filling], Any]]) -> None:
        limit = problem.scene_limit
        if isinstance(limit, HardSceneLimit):
            self.model.add(sum(self.variables) <= limit.max_scenes)
        elif isinstance(limit, SoftSceneLimit):
            soft = soft_coefficients(problem, limit, round_up=False)
            self.exact = soft.exact
            weight = dict(zip(self._scenes, soft.weights, strict=True))
            used = sum(weight[scene] * filling.shot_count * x for (scene, filling), x in pairs)
            self.model.add(used <= soft.capacity)

    def hint(self, steps: Collection[Step]) -> None:
        """Start the search from a selection."""
        bars, shots = Counter[int](), Counter[int]()
        for step in steps:
            bars[self._scenes[step.shot_index]] += step.bar_count
            shots[self._scenes[step.shot_index]] += 1
        for (scene, filling), variable in zip(self._fillings, self.variables, strict=True):
            same_shots = not self._soft or filling.shot_count == shots[scene]
            self.model.add_hint(variable, filling.bar_count == bars[scene] and same_shots)

    def score(self, solver: cp_model.CpSolver) -> float:
        """Objective of the selection that ``solver`` has found."""
        return math.fsum(
            filling.score
            for (_, filling), x in zip(self._fillings, self.variables, strict=True)
            if solver.boolean_value(x)
        )
