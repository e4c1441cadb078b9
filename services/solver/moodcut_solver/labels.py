"""The recursion with a budget: every cell holds labels (weight, value) in place of one value.

A cell's labels are the selections of the remaining shots that no other selection of the same cell beats in both weight
and value. A label is dropped as well if even the best prefix cannot make a better total of it: with the prefixes' gains
H of :mod:`moodcut_solver.forward` at Lagrange multiplier m, a selection through the label is worth at most
value + H(i, q, j) + m * (capacity - weight). Both leave the optimum, and all that equal it, untouched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moodcut_solver.automaton import Automaton
from moodcut_solver.compiled import COMPILED, compiled
from moodcut_solver.forward import FloatTable, Layers
from moodcut_solver.options import IMPOSSIBLE, NEVER, Options, block_values
from moodcut_solver.problem import Ints
from moodcut_solver.solution import Step
from moodcut_solver.table import Checkpoint

LABEL_LIMIT = 20_000_000
_BLOCK_CELLS = 1_000_000


class TooManyLabelsError(Exception):
    """The labels would need more memory than is allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Labels of one shot's cells: cell (q, j) holds ``offsets[q * columns + j]`` up to the next; weights ascend."""

    offsets: Ints
    weights: Ints
    values: Ints


@dataclass(frozen=True, slots=True, eq=False)
class LabelBounds:
    """What drops labels: ``gains`` (n, states, bar_count + 1) at ``multiplier``; totals below ``floor`` are dropped."""

    gains: Layers
    multiplier: float
    capacity: int
    floor: float


@compiled
def _merge(  # type: ignore[no-untyped-def]
    weights_a, values_a, count_a, weights, values, first, end, more_weight, more_value, weights_out, values_out,
    capacity, ceiling, multiplier, floor,
):  # fmt: skip
    """Merge labels a with labels first .. end - 1, shifted; keep what is not dominated and may reach the floor."""
    a, b, count = 0, first, 0
    best = IMPOSSIBLE
    while a < count_a or b < end:
        take_a = a < count_a
        if take_a and b < end:
            weight_b = weights[b] + more_weight
            take_a = weights_a[a] < weight_b or (weights_a[a] == weight_b and values_a[a] >= values[b] + more_value)
        if take_a:
            weight, value = weights_a[a], values_a[a]
            a += 1
        else:
            weight, value = weights[b] + more_weight, values[b] + more_value
            b += 1
        if value > best and weight <= capacity and value + ceiling + multiplier * (capacity - weight) >= floor:
            weights_out[count] = weight
            values_out[count] = value
            best = value
            count += 1
    return count


@compiled
def _thin(weights, values, count, multiplier, most):  # type: ignore[no-untyped-def]
    """Keep the ``most`` labels with the highest value - multiplier * weight, in order."""
    while count > most:
        worst = 0
        lowest = np.inf
        for k in range(count):
            merit = values[k] - multiplier * weights[k]
            if merit < lowest:
                lowest = merit
                worst = k
        for k in range(worst, count - 1):
            weights[k] = weights[k + 1]
            values[k] = values[k + 1]
        count -= 1
    return count


@compiled
def _layer(  # type: ignore[no-untyped-def]
    whole, fewest, most, block, lengths, must, skip, take, weight, offsets, weights, values, ceilings, multiplier,
    capacity, floor, beam, out_offsets, out_weights, out_values, scratch,
):  # fmt: skip
    """Labels of one shot from those of the next; returns their number, or -1 where the output is too small."""
    state_count, columns = ceilings.shape
    total = 0
    for state in range(state_count):
        for bar in range(columns):
            out_offsets[state * columns + bar] = total
            ceiling = ceilings[state, bar]
            if ceiling == -np.inf:
                continue
            now, other = 0, 1
            count = 0
            if skip[state] >= 0 and not must:
                cell = skip[state] * columns + bar
                count = _merge(
                    scratch[0, now], scratch[1, now], 0, weights, values, offsets[cell], offsets[cell + 1], 0, 0,
                    scratch[0, other], scratch[1, other], capacity, ceiling, multiplier, floor,
                )  # fmt: skip
                now, other = other, now
            if take[state] >= 0 and bar < columns - 1:
                shortest, longest = fewest, min(most, columns - 1 - bar)
                if whole:
                    shortest = lengths[bar]
                    longest = shortest
                for length in range(shortest, longest + 1):
                    value = block[0 if whole else length - fewest, bar]
                    if value <= IMPOSSIBLE:
                        continue
                    cell = take[state] * columns + bar + length
                    if offsets[cell] == offsets[cell + 1]:
                        continue
                    count = _merge(
                        scratch[0, now], scratch[1, now], count, weights, values, offsets[cell], offsets[cell + 1],
                        weight, value, scratch[0, other], scratch[1, other], capacity, ceiling, multiplier, floor,
                    )  # fmt: skip
                    now, other = other, now
            if beam > 0:
                count = _thin(scratch[0, now], scratch[1, now], count, multiplier, beam)
            if total + count > len(out_weights):
                return -1
            for k in range(count):
                out_weights[total + k] = scratch[0, now, k]
                out_values[total + k] = scratch[1, now, k]
            total += count
    out_offsets[state_count * columns] = total
    return total


class LabelTable:
    """All labels of a problem, from the last shot to the first.

    ``weights`` (n,) int64 are the shots' weights. With ``beam`` each cell keeps only so many labels: a selection found
    then is a real one, but may not be the best. Raises :class:`TooManyLabelsError` beyond ``label_limit``.
    """

    def __init__(
        self,
        options: Options,
        automaton: Automaton,
        weights: Ints,
        bounds: LabelBounds,
        *,
        check: Checkpoint,
        beam: int = 0,
        label_limit: int = LABEL_LIMIT,
        use_compiled: bool = COMPILED,
    ) -> None:
        self._options, self._automaton, self._weights, self._bounds = options, automaton, weights, bounds
        self._check, self._beam, self._compiled = check, beam, use_compiled
        columns = options.bar_count + 1
        shot_count = len(weights)
        offsets = np.zeros(automaton.state_count * columns + 1, np.int64)
        offsets[options.bar_count + 1 :] = 1
        layer = Layer(offsets, np.zeros(1, np.int64), np.zeros(1, np.int64))
        self._layers = [layer]
        self._room = 1024
        kept = 0
        size = max(1, _BLOCK_CELLS // (automaton.state_count * columns * max(1, options.width)))
        for end in range(shot_count, 0, -size):
            first = max(0, end - size)
            ranges, block = block_values(options, first, end, use_compiled=use_compiled)
            for shot in range(end - 1, first - 1, -1):
                check()
                layer = self._previous(shot, ranges[shot - first], block[shot - first], layer)
                kept += len(layer.weights)
                if kept > label_limit:
                    raise TooManyLabelsError
                self._layers.append(layer)
        self._layers.reverse()

    def _previous(self, shot: int, lengths: Ints, block: FloatTable, after: Layer) -> Layer:
        options, machine, bounds = self._options, self._automaton, self._bounds
        function = _layer if self._compiled else getattr(_layer, "py_func", _layer)
        kind = machine.role[shot]
        fullest = int(np.max(np.diff(after.offsets)))
        scratch = np.empty((2, 2, fullest * (max(1, options.width) + 1) + 1), np.int64)
        offsets = np.empty(len(after.offsets), np.int64)
        while True:
            weights, values = np.empty(self._room, np.int64), np.empty(self._room, np.int64)
            count = function(
                options.whole, lengths[0], lengths[1], block, options.longest[options.longest_row[shot]],
                bool(options.must[shot]), machine.skip[kind], machine.take[kind], self._weights[shot], after.offsets,
                after.weights, after.values, bounds.gains[shot], bounds.multiplier, bounds.capacity, bounds.floor,
                self._beam, offsets, weights, values, scratch,
            )  # fmt: skip
            if count >= 0:
                return Layer(offsets, weights[:count].copy(), values[:count].copy())
            self._room *= 2
            if self._room > LABEL_LIMIT:
                raise TooManyLabelsError

    def _labels(self, shot: int, state: int, bar: int) -> tuple[Ints, Ints]:
        layer = self._layers[shot]
        cell = state * (self._options.bar_count + 1) + bar
        part = slice(layer.offsets[cell], layer.offsets[cell + 1])
        return layer.weights[part], layer.values[part]

    def completion(self, shot: int, state: int, bar: int, budget: int) -> int:
        """Best value of the labels of a cell with at most ``budget`` weight, or NEVER."""
        weights, values = self._labels(shot, state, bar)
        within = int(np.searchsorted(weights, budget, side="right"))
        return int(values[within - 1]) if within else NEVER

    def best(self, start: int) -> int | None:
        """Best value from state ``start`` within the capacity, or None."""
        _, values = self._labels(0, start, 0)
        return int(values[-1]) if len(values) else None

    def steps(self, start: int) -> list[Step]:
        """The best selection from state ``start``: of equally good ones the earliest."""
        options, machine = self._options, self._automaton
        value, budget = self.best(start), self._bounds.capacity
        assert value is not None
        state, bar = start, 0
        found = []
        for shot in range(len(self._weights)):
            kind = machine.role[shot]
            state, bar, value, budget, length = self._step(shot, int(kind), state, bar, value, budget)
            if length:
                found.append(Step(shot, bar - length, length))
        assert bar == options.bar_count
        return found

    def _step(
        self, shot: int, kind: int, state: int, bar: int, value: int, budget: int
    ) -> tuple[int, int, int, int, int]:
        """State, bar, value and budget after ``shot``, and the bars it takes (0: skipped)."""
        options, machine = self._options, self._automaton
        target = int(machine.take[kind, state])
        limit = int(options.longest[options.longest_row[shot], bar]) if bar < options.bar_count else 0
        if target >= 0 and limit > 0:
            ranges, block = block_values(options, shot, shot + 1, use_compiled=self._compiled)
            limit = min(limit, options.bar_count - bar)
            for length in range(limit, limit - 1 if options.whole else int(ranges[0, 0]) - 1, -1):
                gained = int(block[0, 0 if options.whole else length - int(ranges[0, 0]), bar])
                if gained <= IMPOSSIBLE:
                    continue
                left = budget - int(self._weights[shot])
                if self._holds(shot + 1, target, bar + length, value - gained, left):
                    return target, bar + length, value - gained, left, length
        return int(machine.skip[kind, state]), bar, value, budget, 0

    def _holds(self, shot: int, state: int, bar: int, value: int, budget: int) -> bool:
        weights, values = self._labels(shot, state, bar)
        return bool(np.any((values == value) & (weights <= budget)))
