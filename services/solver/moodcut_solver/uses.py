"""The ways to use a shot, read from the problem's definition alone.

For the CP-SAT models and the cross-check. Nothing here comes from the recursion, whose mistakes these are to catch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

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


def shot_uses(problem: Problem) -> Iterator[Use]:
    """Every allowed way to use every shot, in the order of the shots, with its score (Eq. 10 included)."""
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
                yield Use(shot, first if placed else -1, length, score)
