"""The selection problem as a plain CP-SAT model, written from the definition alone.

It shares nothing with the recursion but the problem itself, for its purpose is to catch the recursion's mistakes (and
to solve what the recursion cannot hold). One Boolean for each way to use a shot: (shot, length) where position does
not matter, (shot, first bar, length) where it does.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection
from itertools import islice, pairwise
from typing import Any

from ortools.sat.python import cp_model

from moodcut_solver.cp_sat import ModelTooLargeError, objective_scale, soft_coefficients
from moodcut_solver.problem import HardSceneLimit, Problem, SoftSceneLimit
from moodcut_solver.solution import Model, Step
from moodcut_solver.uses import shot_uses

_MOST_VARIABLES = 400_000


class PlainModel:
    """A CP-SAT model of ``problem``.

    ``scale`` turns scores into the objective's integers; with ``fewer_shots`` those are multiplied by ``factor``, less
    one for every shot, so that of equal scores the one with fewer shots wins. ``exact``: the soft limit, if any, is
    held exactly; else its weights are rounded, up or down.
    """

    kind = Model.PLAIN

    def __init__(
        self,
        problem: Problem,
        *,
        scale: float = 1e12,
        fewer_shots: bool = False,
        round_up: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """``check`` is called now and then and may raise to stop. Raises ModelTooLargeError."""
        self._problem = problem
        self.uses = list(islice(shot_uses(problem, check=check), _MOST_VARIABLES + 1))
        if len(self.uses) > _MOST_VARIABLES:
            raise ModelTooLargeError
        self.model = cp_model.CpModel()
        self.variables = [self.model.new_bool_var("") for _ in self.uses]
        self.factor = problem.bar_count + 1 if fewer_shots else 1
        largest = max((abs(use.score) for use in self.uses), default=0.0)
        self.scale = objective_scale(largest * self.factor * (problem.bar_count + 1), scale)
        self.exact = True
        self._by_shot: dict[int, list[Any]] = defaultdict(list)
        for use, variable in zip(self.uses, self.variables, strict=True):
            self._by_shot[use.shot].append(variable)
        self._chosen = {shot: sum(variables) for shot, variables in self._by_shot.items()}
        self._shots()
        self._bars()
        self._scenes(round_up)
        terms = [round(use.score * self.scale) * self.factor - (1 if fewer_shots else 0) for use in self.uses]
        self.objective = sum(term * variable for term, variable in zip(terms, self.variables, strict=True))
        self.model.maximize(self.objective)

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

    def _scenes(self, round_up: bool) -> None:
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
        soft = soft_coefficients(problem, limit, round_up=round_up)
        self.exact = soft.exact
        self.model.add(sum(soft.weights[shot] * chosen for shot, chosen in self._chosen.items()) <= soft.capacity)

    def score(self, solver: cp_model.CpSolver) -> float:
        """Objective of the selection that ``solver`` has found."""
        return math.fsum(use.score for use, x in zip(self.uses, self.variables, strict=True) if solver.boolean_value(x))

    def forbid(self, steps: Collection[Step]) -> None:
        """Rule one selection out."""
        chosen = set(self._indices(steps))
        self.model.add_bool_or(
            [variable.negated() if k in chosen else variable for k, variable in enumerate(self.variables)]
        )

    def _indices(self, steps: Collection[Step]) -> list[int]:
        placed = self._problem.position_matters
        index = {(use.shot, use.first, use.length): k for k, use in enumerate(self.uses)}
        return [index[(s.shot_index, s.first_bar if placed else -1, s.bar_count)] for s in steps]

    def hint(self, steps: Collection[Step], *, model: cp_model.CpModel | None = None) -> None:
        """Start the search from a selection; in ``model``, a copy of this one, if given."""
        chosen = set(self._indices(steps))
        for k, variable in enumerate(self.variables):
            (model or self.model).add_hint(variable, k in chosen)

    def steps(self, solver: cp_model.CpSolver) -> list[Step]:
        """The selection that ``solver`` has found, in film order."""
        found, bar = [], 0
        for use, variable in sorted(zip(self.uses, self.variables, strict=True), key=lambda pair: pair[0].shot):
            if solver.boolean_value(variable):
                found.append(Step(use.shot, bar, use.length))
                bar += use.length
        return found
