"""The ways to use a shot, read from the problem's definition alone.

For the CP-SAT models and the cross-check. Nothing here comes from the recursion, whose mistakes these are to catch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from moodcut_solver.problem import LengthMode, Problem, Weighting


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


class UseScores:
    """What a way to use a shot adds to the objective, scene means (Eq. 10) included; means are made when needed."""

    def __init__(self, problem: Problem, *, check: Callable[[], None] = lambda: None) -> None:
        """``check`` is called now and then and may raise to stop."""
        self._problem = problem
        self._varies = bool(len(problem.bar_scores))
        self._bars = range(problem.bar_count if self._varies else 1)
        self._check = check
        self._members: dict[int, list[int]] = defaultdict(list)
        for shot, scene in enumerate(problem.scene.tolist()):
            self._members[scene].append(shot)
        self._means: dict[int, list[float]] = {}

    def of(self, shot: int) -> list[float]:
        """p_i on every bar, or one value where scores do not differ by bar."""
        own = self._own(shot)
        if not self._problem.add_scene_mean:
            return own
        scene = int(self._problem.scene[shot])
        if scene not in self._means:
            all_own = [self._own(member) for member in self._members[scene]]
            self._means[scene] = [math.fsum(values) / len(all_own) for values in zip(*all_own, strict=True)]
        return [value + mean for value, mean in zip(own, self._means[scene], strict=True)]

    def _own(self, shot: int) -> list[float]:
        self._check()
        return [own_score(self._problem, shot, bar) for bar in self._bars]

    def total(self, adjusted: list[float], first: int, length: int) -> float:
        """What a shot with these scores adds over ``length`` bars from ``first``."""
        total = math.fsum(adjusted[first : first + length]) if self._varies else adjusted[0] * length
        return total if self._problem.weighting is Weighting.PER_BAR else total / length


def shot_uses(problem: Problem, *, check: Callable[[], None] = lambda: None) -> Iterator[Use]:
    """Every allowed way to use every shot, in the order of the shots. ``check`` may raise to stop."""
    scores = UseScores(problem, check=check)
    placed = problem.position_matters
    for shot in np.flatnonzero(~problem.excluded).tolist():
        check()
        adjusted = scores.of(shot)
        pin = int(problem.pinned[shot])
        for first in range(problem.bar_count) if placed else (0,):
            if pin not in (-1, first):
                continue
            for length in lengths_at(problem, shot, first):
                yield Use(shot, first if placed else -1, length, scores.total(adjusted, first, length))
