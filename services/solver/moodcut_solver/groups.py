"""Near-duplicate groups: at most one shot of each.

A group costs the recursion a bit for as long as it is open, so only groups that matter are watched: solve without,
watch the groups that the answer violates, repeat. What ignores constraints and keeps them all the same is optimal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from moodcut_solver.automaton import open_bits
from moodcut_solver.errors import ProblemTooLargeError
from moodcut_solver.problem import Problem
from moodcut_solver.solution import Step

MOST_OPEN_BITS = 12
_Answer = TypeVar("_Answer")


class TooManyGroupsError(Exception):
    """More groups are open at once than the recursion can watch."""


def violated_groups(problem: Problem, steps: Iterable[Step]) -> set[int]:
    """Groups of which more than one shot is chosen."""
    counts = Counter(int(problem.group[step.shot_index]) for step in steps)
    return {group for group, count in counts.items() if group >= 0 and count > 1}


def with_groups(
    problem: Problem,
    solve: Callable[[frozenset[int]], _Answer],
    selections: Callable[[_Answer], Iterable[Iterable[Step]]],
) -> _Answer:
    """The first answer of ``solve(watched groups)`` whose ``selections`` violate no group.

    Raises :class:`TooManyGroupsError`.
    """
    watched: frozenset[int] = frozenset()
    while True:
        try:
            answer = solve(watched)
        except ProblemTooLargeError as error:
            if not watched:
                raise
            raise TooManyGroupsError from error
        violated: set[int] = set()
        for steps in selections(answer):
            violated |= violated_groups(problem, steps)
        if not violated:
            return answer
        watched |= violated
        if open_bits(problem, watched) > MOST_OPEN_BITS:
            raise TooManyGroupsError
