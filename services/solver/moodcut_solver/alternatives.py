"""The K best selections, read from one table by best-first search.

A table tells what the best completion of any beginning is worth, so a set of selections (all that begin alike) has a
known best value. Taking the best set, its best selection is read off, and what remains of the set is split by the
decision in which a selection first differs.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol

import numpy as np

from moodcut_solver.automaton import Automaton, build_automaton
from moodcut_solver.hard import Choice, check_layers, check_size, preference
from moodcut_solver.options import IMPOSSIBLE, Options, block_values
from moodcut_solver.problem import Ints, Problem
from moodcut_solver.solution import Step
from moodcut_solver.table import Checkpoint, SuffixTable

_Key = list[tuple[int, int]]


class Completions(Protocol):
    """A table that knows the best completions."""

    def completion(self, shot: int, state: int, bar: int, budget: int) -> int:
        """Best value of the shots from ``shot`` on that fill the bars from ``bar`` on within ``budget``, or NEVER."""


@dataclass(frozen=True, slots=True)
class _Set:
    """All selections that begin with ``steps`` up to ``shot`` (not included) and go on from (state, bar)."""

    scene_count: int
    steps: tuple[Step, ...]
    gained: int
    shot: int
    state: int
    bar: int
    budget: int
    rest: tuple[Step, ...] | None = field(default=None)
    """The rest of its best selection, once read off."""


class BestFirst:
    """The selections of a problem, best first.

    ``starts``: a start state for every number of scenes. ``weights`` (n,) are taken off ``budget``, which ``table``
    holds selections to.
    """

    def __init__(
        self,
        options: Options,
        automaton: Automaton,
        table: Completions,
        *,
        check: Checkpoint,
        starts: dict[int, int],
        weights: Ints | None = None,
        budget: int = 0,
    ) -> None:
        self._options, self._automaton, self._table, self._check = options, automaton, table, check
        shot_count = len(options.must)
        self._weights = np.zeros(shot_count, np.int64) if weights is None else weights
        self._ranges, self._block = block_values(options, 0, shot_count)
        self._heap: list[tuple[int, _Key, int, _Set]] = []
        self._number = count()
        for scene_count, start in starts.items():
            self._push(_Set(scene_count, (), 0, 0, start, 0, budget), [])

    def _push(self, part: _Set, key: _Key) -> None:
        value = self._worth(part)
        if value > IMPOSSIBLE:
            heapq.heappush(self._heap, (-value, key, next(self._number), part))

    def _decisions(self, part: _Set) -> list[_Set]:
        """What the next shot can do, more bars first, skipping last."""
        options, machine = self._options, self._automaton
        shot, bar, kind = part.shot, part.bar, machine.role[part.shot]
        found = []
        target = int(machine.take[kind, part.state])
        budget = part.budget - int(self._weights[shot])
        if target >= 0 and bar < options.bar_count and budget >= 0:
            limit = min(int(options.longest[options.longest_row[shot], bar]), options.bar_count - bar)
            fewest = int(self._ranges[shot, 0])
            for length in range(limit, max(0, limit - 1 if options.whole else fewest - 1), -1):
                value = int(self._block[shot, 0 if options.whole else length - fewest, bar])
                if value > IMPOSSIBLE:
                    steps = (*part.steps, Step(shot, bar, length))
                    gained = part.gained + value
                    found.append(_Set(part.scene_count, steps, gained, shot + 1, target, bar + length, budget))
        target = int(machine.skip[kind, part.state])
        if target >= 0 and not options.must[shot]:
            found.append(_Set(part.scene_count, part.steps, part.gained, shot + 1, target, bar, part.budget))
        return found

    def _worth(self, part: _Set) -> int:
        return part.gained + self._table.completion(part.shot, part.state, part.bar, part.budget)

    def _best_decision(self, part: _Set) -> tuple[_Set, list[_Set]]:
        decisions = self._decisions(part)
        best = int(np.argmax([self._worth(decision) for decision in decisions]))
        return decisions[best], decisions[:best] + decisions[best + 1 :]

    def next(self) -> Choice | None:
        """The next best selection, or None if there are no more."""
        last = len(self._options.must)
        while self._heap:
            self._check()
            _, _, _, part = heapq.heappop(self._heap)
            here = part
            if part.rest is None:
                while here.shot < last:
                    here, _ = self._best_decision(here)
                # Its own value, which a table that has dropped completions may have told too low.
                read = replace(part, rest=here.steps[len(part.steps) :])
                heapq.heappush(self._heap, (-here.gained, preference(here.steps), next(self._number), read))
                continue
            while here.shot < last:
                best, others = self._best_decision(here)
                for other in others:
                    skipped = len(other.steps) == len(here.steps)
                    tail = (here.shot + 1, -self._options.bar_count - 1)
                    self._push(other, preference(other.steps) + ([tail] if skipped else []))
                here = best
            return Choice(here.gained, part.scene_count, (*part.steps, *part.rest))
        return None


def best_choices(
    problem: Problem, options: Options, *, groups: Collection[int] = (), check: Checkpoint
) -> tuple[list[Choice], list[Choice]]:
    """The ``solution_count`` best selections, and the best one for every number of scenes (one if not counted).

    A soft limit and near-duplicate groups beyond ``groups`` are ignored.
    """
    automaton = build_automaton(problem, groups=groups)
    check_size(problem, automaton.state_count, options)
    check_layers(automaton.state_count, options)
    table = SuffixTable(options, automaton, check=check, keep_layers=True)
    frontier = [
        Choice(value, scene_count, tuple(table.steps(start)))
        for scene_count, start in automaton.starts.items()
        if (value := table.best(start)) is not None
    ]
    search = BestFirst(options, automaton, table, check=check, starts=automaton.starts)
    return first_of(search, problem.solution_count), frontier


def first_of(search: BestFirst, most: int) -> list[Choice]:
    """At most so many selections, best first."""
    found: list[Choice] = []
    while len(found) < most:
        choice = search.next()
        if choice is None:
            break
        found.append(choice)
    return found
