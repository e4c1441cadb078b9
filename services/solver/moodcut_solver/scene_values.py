"""What a scene is worth by itself: its best total score for every number of bars and of shots.

Where neither scores nor lengths depend on the place in the montage, a selection is a choice for each scene of how many
bars it fills, and nothing else of the scene matters to the rest. Written apart from the recursion, to check it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from moodcut_solver.problem import Floats, Problem
from moodcut_solver.uses import Use


class Filling(NamedTuple):
    """A number of bars filled from a scene with a number of its shots; ``score`` is the best total for them."""

    bar_count: int
    shot_count: int
    score: float


def values_apply(problem: Problem) -> bool:
    """Whether scenes have values of their own: position does not matter, and no near-duplicates tie shots together."""
    group = problem.group[(problem.group >= 0) & ~problem.excluded]
    return not problem.position_matters and len(np.unique(group)) == len(group)


def scene_fillings(
    uses: Iterable[Use],
    *,
    bar_count: int,
    required: frozenset[int] = frozenset(),
    count_shots: bool,
    check: Callable[[], None] = lambda: None,
) -> list[Filling]:
    """The best fillings of one scene, one for every number of bars (and of shots, with ``count_shots``) it can fill.

    ``uses`` are the ways to use its shots; at most one way a shot is taken, and one of every shot of ``required``.
    Without ``count_shots`` the number of shots is 1, whatever it is. Fillings with more shots that score no more than
    one with fewer are left out. The empty filling is not among them. ``check`` may raise to stop.
    """
    by_shot: dict[int, list[Use]] = {shot: [] for shot in required}
    for use in uses:
        by_shot.setdefault(use.shot, []).append(use)
    most = min(len(by_shot), bar_count) if count_shots else 0
    table: Floats = np.full((most + 1, bar_count + 1), -np.inf)
    table[0, 0] = 0.0
    for shot, ways in by_shot.items():
        check()
        best = np.full_like(table, -np.inf) if shot in required else table.copy()
        into, source = (best[1:], table[:-1]) if count_shots else (best, table)
        for use in ways:
            if use.length <= bar_count:
                end = bar_count + 1 - use.length
                np.maximum(into[:, use.length :], source[:, :end] + use.score, out=into[:, use.length :])
        table = best
    before = np.vstack([np.full((1, bar_count + 1), -np.inf), np.maximum.accumulate(table)[:-1]])
    return [
        Filling(int(bars), int(shots) if count_shots else 1, float(table[shots, bars]))
        for shots, bars in np.argwhere(table > before)
        if bars > 0
    ]
