"""The recursion: Algorithm 1 of the paper, over shots, bars filled and the automaton's states.

G(i, q, j) = best value of the shots i .. n-1 that fills the bars j .. bar_count-1 and leads from state q to the end:

    G(n, 0, bar_count) = 0, all else of G(n, ., .) impossible
    G(i, q, j) = max(G(i+1, skip_i(q), j), max over u of value_i(u, j) + G(i+1, take_i(q), j+u))

The paper goes from the first shot to the last; going backwards instead gives the same table (method.md's F read from
the other end), knows the position of every shot as it is placed, and lets the answer be read off forwards, so that of
equally good selections the one with the earlier shots is found. A shot covers at least one bar, which is the guard that
the recursion as printed lacks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from moodcut_solver.automaton import Automaton
from moodcut_solver.compiled import COMPILED, compiled
from moodcut_solver.options import (
    IMPOSSIBLE,
    NEVER,
    Options,
    fill_values,
    fill_values_numpy,
    option_range,
    option_range_numpy,
)
from moodcut_solver.solution import Step

_CHOICE_BYTES = 96 << 20
_BLOCK_CELLS = 50_000_000

Table = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Choices = np.ndarray[tuple[int, int, int], np.dtype[Any]]
Checkpoint = Callable[[], None]


class OutOfTimeError(Exception):
    """The time limit has passed."""


def _no_check() -> None:
    """Never stops."""


@compiled
def _block(  # type: ignore[no-untyped-def]
    options, first, end, skip, take, role, table, spare, values, choice, keep
):  # pragma: no cover - compiled
    """Carry ``table`` from shot ``end`` back to shot ``first``; the choices go to ``choice`` if ``keep``."""
    state_count, columns = table.shape
    current, following = table, spare
    for shot in range(end - 1, first - 1, -1):
        fewest, most = option_range(options, shot)
        fill_values(options, shot, fewest, most, values)
        must = options.must[shot]
        kind = role[shot]
        lengths = options.longest[options.longest_row[shot]]
        for state in range(state_count):
            best = following[state]
            taken = choice[shot - first if keep else 0, state]
            source = -1 if must else skip[kind, state]
            if source >= 0:
                row = current[source]
                for bar in range(columns):
                    best[bar] = row[bar]
            else:
                for bar in range(columns):
                    best[bar] = NEVER
            for bar in range(columns):
                taken[bar] = 0
            source = take[kind, state]
            if source >= 0:
                row = current[source]
                if options.whole and fewest < most:
                    for bar in range(columns - 1):
                        length = lengths[bar]
                        candidate = values[0, bar] + row[bar + length]
                        if candidate >= best[bar]:
                            best[bar] = candidate
                            taken[bar] = length
                    continue
                for length in range(fewest, most + 1):
                    value = values[length - fewest]
                    for bar in range(columns - length):
                        candidate = value[bar] + row[bar + length]
                        better = candidate >= best[bar]
                        best[bar] = candidate if better else best[bar]
                        taken[bar] = length if better else taken[bar]
        current, following = following, current
    return current, following


def _block_numpy(  # type: ignore[no-untyped-def]
    options, first, end, skip, take, role, table, spare, values, choice, keep
):
    """:func:`_block` without a compiler."""
    columns = table.shape[1]
    current, following = table, spare
    for shot in range(end - 1, first - 1, -1):
        limits = options.longest[options.longest_row[shot]]
        fewest, most = option_range_numpy(options, shot)
        fill_values_numpy(options, shot, fewest, most, values)
        kind = role[shot]
        source = np.full(len(skip[kind]), -1) if options.must[shot] else skip[kind]
        following[:] = np.where((source >= 0)[:, None], current[source], NEVER)
        taken = choice[shot - first if keep else 0]
        taken[:] = 0
        states = np.flatnonzero(take[kind] >= 0)
        rows = current[take[kind][states]]
        if options.whole and fewest < most:
            placed = limits.astype(np.int64)
            candidate = values[0, : columns - 1] + rows[:, np.arange(columns - 1) + placed]
            best = following[states, : columns - 1]
            better = candidate >= best
            following[states, : columns - 1] = np.where(better, candidate, best)
            taken[states, : columns - 1] = np.where(better, placed, 0)
            fewest = most + 1
        for length in range(fewest, most + 1):
            if not len(states):
                break
            candidate = values[length - fewest, : columns - length] + rows[:, length:]
            best = following[states, : columns - length]
            better = candidate >= best
            following[states, : columns - length] = np.where(better, candidate, best)
            taken[states, : columns - length] = np.where(better, length, taken[states, : columns - length])
        current, following = following, current
    return current, following


@compiled
def _walk(  # type: ignore[no-untyped-def]
    choice, first, end, skip, take, role, state, bar, shots, firsts, lengths, count
):
    """Follow the choices of shots first to end - 1; write the chosen ones; return state, bar and their number."""
    for shot in range(first, end):
        length = choice[shot - first, state, bar]
        if length > 0:
            shots[count] = shot
            firsts[count] = bar
            lengths[count] = length
            count += 1
            bar += length
            state = take[role[shot], state]
        else:
            state = skip[role[shot], state]
    return state, bar, count


class SuffixTable:
    """The recursion's table for one problem.

    ``check`` is called between stretches of work and may raise to stop. Choices are kept where they are small; else
    the table is kept at a few shots and the choices between are worked out again when a selection is read off.
    """

    def __init__(
        self,
        options: Options,
        automaton: Automaton,
        *,
        check: Checkpoint = _no_check,
        use_compiled: bool = COMPILED,
        keep_layers: bool = False,
    ) -> None:
        self._options = options
        self._automaton = automaton
        self._check = check
        self._run: Callable[..., Any] = _block if use_compiled else _block_numpy
        shot_count = len(options.must)
        columns = options.bar_count + 1
        self._type = np.uint8 if options.bar_count <= np.iinfo(np.uint8).max else np.uint16
        layer_bytes = automaton.state_count * columns * np.dtype(self._type).itemsize
        fits = shot_count * layer_bytes <= _CHOICE_BYTES
        layer_cells = automaton.state_count * columns * max(1, options.width)
        size = max(1, min(_BLOCK_CELLS // layer_cells, shot_count if fits else 4 * math.isqrt(shot_count)))
        if keep_layers:
            size = 1
        self._bounds = [*range(0, shot_count, size), shot_count]
        self._values = np.full((max(1, options.width), columns), NEVER, np.int64)
        self._spare = np.empty((automaton.state_count, columns), np.int64)
        self._kept: list[Choices | None] = []
        self._layers: list[Table] = []
        table = np.full((automaton.state_count, columns), NEVER, np.int64)
        table[0, options.bar_count] = 0
        blocks = list(zip(self._bounds[:-1], self._bounds[1:], strict=True))
        scratch = np.empty((1, automaton.state_count, columns), self._type)
        for first, end in reversed(blocks):
            check()
            if keep_layers or not fits:
                self._layers.append(table.copy())
            choice = np.empty((end - first, automaton.state_count, columns), self._type) if fits else scratch
            table = self._compute(first, end, table, choice, keep=fits)
            self._kept.append(choice if fits else None)
        self._kept.reverse()
        self._layers.reverse()
        self._first = table

    def _compute(self, first: int, end: int, table: Table, choice: Choices, *, keep: bool) -> Table:
        machine = self._automaton
        result, self._spare = self._run(
            self._options, first, end, machine.skip, machine.take, machine.role, table, self._spare, self._values,
            choice, keep,
        )  # fmt: skip
        return result  # type: ignore[no-any-return]

    def best(self, start: int) -> int | None:
        """Best value from state ``start``, or None if there is no selection."""
        value = int(self._first[start, 0])
        return value if value > IMPOSSIBLE else None

    def completion(self, shot: int, state: int, bar: int, budget: int) -> int:
        """G(shot, state, bar), whatever the ``budget``; only with ``keep_layers``."""
        layer = self._first if shot == 0 else self._layers[shot - 1]
        return int(layer[state, bar])

    def steps(self, start: int) -> list[Step]:
        """The best selection from state ``start``: of equally good ones the earliest."""
        machine = self._automaton
        room = self._options.bar_count + 1
        shots, firsts, lengths = (np.empty(room, np.int64) for _ in range(3))
        state, bar, count = start, 0, 0
        for index, (first, end) in enumerate(zip(self._bounds[:-1], self._bounds[1:], strict=True)):
            choice = self._kept[index]
            if choice is None:
                self._check()
                choice = np.empty((end - first, machine.state_count, room), self._type)
                self._compute(first, end, self._layers[index].copy(), choice, keep=True)
            state, bar, count = _walk(
                choice, first, end, machine.skip, machine.take, machine.role, state, bar, shots, firsts, lengths, count
            )
        return [Step(int(shots[k]), int(firsts[k]), int(lengths[k])) for k in range(count)]
