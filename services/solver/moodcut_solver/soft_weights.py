"""The soft scene limit in integers: weights and a capacity (Eq. 12, 13)."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from moodcut_solver.problem import Ints, Problem, SoftMode, SoftSceneLimit
from moodcut_solver.solution import Step

_FINE_SCALE = 1 << 40
_EXACT_FLOAT = 1 << 53


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


def within_limit(problem: Problem, weights: Weights, steps: Collection[Step]) -> bool:
    """Whether a selection keeps the soft limit: the true one, or the paper's rounded one with SCALED."""
    limit = problem.scene_limit
    assert isinstance(limit, SoftSceneLimit)
    if weights.exact:
        return sum(int(weights.weights[step.shot_index]) for step in steps) <= weights.capacity
    return soft_sum(problem, steps) <= limit.max_scenes
