"""The K best selections, read from one table by best-first search.

The table tells what the best completion of any beginning is worth, so a set of selections (all that begin alike) has a
known best value. Taking the best set, its best selection is read off, and what remains of the set is split by the
decision in which a selection first differs.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from moodcut_solver.automaton import build_automaton
from moodcut_solver.errors import ProblemTooLargeError
from moodcut_solver.hard import Choice, check_size, preference
from moodcut_solver.options import IMPOSSIBLE, Options, block_values
from moodcut_solver.problem import Problem
from moodcut_solver.solution import Step
from moodcut_solver.table import Checkpoint, SuffixTable

_LARGEST_LAYERS_BYTES = 1 << 30

_Key = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Set:
    """All selections that begin with ``steps`` up to ``shot`` (not included) and go on from (state, bar)."""

    scene_count: int
    steps: tuple[Step, ...]
    gained: int
    shot: int
    state: int
    bar: int
    rest: tuple[Step, ...] | None = field(default=None)
    """The rest of its best selection, once read off."""


class _Search:
    def __init__(self, problem: Problem, options: Options, groups: Collection[int], check: Checkpoint) -> None:
        self._machine = build_automaton(problem, groups=groups)
        check_size(problem, self._machine.state_count, options)
        size = 8 * problem.shot_count * (problem.bar_count + 1) * (self._machine.state_count + options.width)
        if size > _LARGEST_LAYERS_BYTES:
            raise ProblemTooLargeError(
                "solution_count", f"keeping the whole table for several solutions would take {size >> 20} MiB"
            )
        self._options = options
        self._check = check
        self._table = SuffixTable(options, self._machine, check=check, keep_layers=True)
        self._ranges, self._block = block_values(options, 0, problem.shot_count)
        self._heap: list[tuple[int, _Key, int, _Set]] = []
        self._number = count()
        for scene_count, start in self._machine.starts.items():
            self._push(_Set(scene_count, (), 0, 0, start, 0), [])

    def _push(self, part: _Set, key: _Key) -> None:
        value = part.gained + int(self._table.layer(part.shot)[part.state, part.bar])
        if value > IMPOSSIBLE:
            heapq.heappush(self._heap, (-value, key, next(self._number), part))

    def _decisions(self, part: _Set) -> list[_Set]:
        """What the next shot can do, more bars first, skipping last."""
        options, machine = self._options, self._machine
        shot, bar, kind = part.shot, part.bar, machine.role[part.shot]
        found = []
        target = int(machine.take[kind, part.state])
        if target >= 0 and bar < options.bar_count:
            limit = min(int(options.longest[options.longest_row[shot], bar]), options.bar_count - bar)
            fewest = int(self._ranges[shot, 0])
            for length in range(limit, max(0, limit - 1 if options.whole else fewest - 1), -1):
                value = int(self._block[shot, 0 if options.whole else length - fewest, bar])
                if value > IMPOSSIBLE:
                    steps = (*part.steps, Step(shot, bar, length))
                    found.append(_Set(part.scene_count, steps, part.gained + value, shot + 1, target, bar + length))
        target = int(machine.skip[kind, part.state])
        if target >= 0 and not options.must[shot]:
            found.append(_Set(part.scene_count, part.steps, part.gained, shot + 1, target, bar))
        return found

    def _worth(self, part: _Set) -> int:
        return part.gained + int(self._table.layer(part.shot)[part.state, part.bar])

    def _best_decision(self, part: _Set) -> tuple[_Set, list[_Set]]:
        decisions = self._decisions(part)
        best = int(np.argmax([self._worth(decision) for decision in decisions]))
        return decisions[best], decisions[:best] + decisions[best + 1 :]

    def next(self) -> Choice | None:
        """The next best selection, or None if there are no more."""
        last = len(self._options.must)
        while self._heap:
            self._check()
            value, _, _, part = heapq.heappop(self._heap)
            if part.rest is None:
                here = part
                while here.shot < last:
                    here, _ = self._best_decision(here)
                rest = here.steps[len(part.steps) :]
                read = _Set(part.scene_count, part.steps, part.gained, part.shot, part.state, part.bar, rest)
                heapq.heappush(self._heap, (value, preference(here.steps), next(self._number), read))
                continue
            here = part
            while here.shot < last:
                best, others = self._best_decision(here)
                for other in others:
                    skipped = len(other.steps) == len(here.steps)
                    tail = (here.shot + 1, -self._options.bar_count - 1)
                    self._push(other, preference(other.steps) + ([tail] if skipped else []))
                here = best
            return Choice(-value, part.scene_count, (*part.steps, *part.rest))
        return None


def best_choices(
    problem: Problem, options: Options, *, groups: Collection[int] = (), check: Checkpoint
) -> tuple[list[Choice], list[Choice]]:
    """The ``solution_count`` best selections, and the best one for every number of scenes (one if not counted)."""
    search = _Search(problem, options, groups, check)
    frontier = [
        Choice(value, scene_count, tuple(search._table.steps(start)))
        for scene_count, start in search._machine.starts.items()
        if (value := search._table.best(start)) is not None
    ]
    found: list[Choice] = []
    while len(found) < problem.solution_count:
        choice = search.next()
        if choice is None:
            break
        found.append(choice)
    return found, frontier
