"""The recursion from the first shot on, in floating point, for what only bounds or counts.

H(i, q, j) = the most that shots 0 .. i-1 can gain while filling the bars 0 .. j-1 and leading from the start to state
q, where a chosen shot gains its value (or nothing) minus a cost. It serves two ends: bounds for the soft limit, where
the cost is the Lagrange multiplier times the weight, and the diagnosis of infeasible problems, where nothing is gained
and the cost counts scenes or weights, for every number of bars at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from moodcut_solver.automaton import Automaton
from moodcut_solver.compiled import COMPILED, compiled
from moodcut_solver.options import IMPOSSIBLE, Options, block_values
from moodcut_solver.problem import Floats
from moodcut_solver.table import Checkpoint

_BLOCK_CELLS = 1_000_000

FloatTable = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Layers = np.ndarray[tuple[int, int, int], np.dtype[np.float64]]


def _stretch(  # type: ignore[no-untyped-def]
    options, first, end, skip, take, role, opens, use_values, cost, open_cost, gain, weight, weights, ended, layers,
    keep, ranges, block,
):  # fmt: skip
    """Carry ``gain`` (and the ``weight`` of what gains it) over the shots first to end - 1; see :func:`forward`.

    ``ranges`` and ``block`` are those shots' :func:`block_values`. Whole rows at a time, so that it is quick without a
    compiler too.
    """
    state_count, columns = gain.shape
    for shot in range(first, end):
        if keep:
            layers[shot] = gain
        fewest, most = ranges[shot - first]
        values = block[shot - first]
        kind = role[shot]
        lengths = options.longest[options.longest_row[shot]]
        next_gain = np.full((state_count, columns), -np.inf)
        next_weight = np.zeros((state_count, columns))
        next_ended = np.full((ended.shape[0], columns), -np.inf)
        for state in range(state_count):
            target = skip[kind, state]
            if target >= 0 and not options.must[shot]:
                better = gain[state] > next_gain[target]
                next_gain[target] = np.where(better, gain[state], next_gain[target])
                next_weight[target] = np.where(better, weight[state], next_weight[target])
                if len(ended):
                    next_ended[target] = np.maximum(next_ended[target], ended[state])
            target = take[kind, state]
            if target < 0:
                continue
            price = cost[shot] + open_cost * opens[state]
            if options.whole and (fewest < most or len(ended)):
                for bar in range(columns - 1):
                    value = values[0, bar]
                    if value <= IMPOSSIBLE or gain[state, bar] == -np.inf:
                        continue
                    stop = bar + lengths[bar]
                    total = gain[state, bar] + (value if use_values else 0.0) - price
                    if total > next_gain[target, stop]:
                        next_gain[target, stop] = total
                        next_weight[target, stop] = weight[state, bar] + weights[shot]
                    if len(ended):
                        for cut in range(bar + 1, stop):
                            next_ended[target, cut] = max(next_ended[target, cut], total)
                continue
            for length in range(fewest, most + 1):
                count = columns - length
                value_row = values[length - fewest, :count]
                total_row = gain[state, :count] - price
                if use_values:
                    total_row = total_row + value_row
                total_row = np.where(value_row > IMPOSSIBLE, total_row, -np.inf)
                better = total_row > next_gain[target, length:]
                next_gain[target, length:] = np.where(better, total_row, next_gain[target, length:])
                next_weight[target, length:] = np.where(
                    better, weight[state, :count] + weights[shot], next_weight[target, length:]
                )
        gain, weight, ended = next_gain, next_weight, next_ended
    return gain, weight, ended


_stretch_compiled = compiled(_stretch)


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """``gain`` (states, bar_count + 1): H(n, ., .). ``weight``, alike: the weight of the selection that gains it.

    ``ended``: the same as ``gain`` for selections whose last shot is cut short (see :func:`forward`), no rows if not
    asked for. ``layers`` (n, states, bar_count + 1): H(i, ., .) for i < n, if kept.
    """

    gain: FloatTable
    weight: FloatTable
    ended: FloatTable
    layers: Layers


def forward(
    options: Options,
    automaton: Automaton,
    *,
    start: int,
    check: Checkpoint,
    use_values: bool,
    weights: Floats,
    multiplier: float,
    open_cost: float = 0.0,
    cut_last: bool = False,
    keep_layers: bool = False,
    use_compiled: bool = COMPILED,
) -> Forward:
    """H for all bars and states, from state ``start``.

    A chosen shot i costs ``multiplier * weights[i]``, and ``open_cost`` more where it opens a scene. With ``cut_last``
    the last shot may be cut to any length, as a grid that ends sooner would cut it.
    """
    shot_count, columns, states = len(options.must), options.bar_count + 1, automaton.state_count
    gain = np.full((states, columns), -np.inf)
    gain[start, 0] = 0.0
    weight = np.zeros((states, columns))
    ended = np.full((states if cut_last else 0, columns), -np.inf)
    layers = np.empty((shot_count if keep_layers else 0, states, columns))
    cost = weights * multiplier
    size = max(1, _BLOCK_CELLS // (states * columns * max(1, options.width)))
    run: Callable[..., Any] = _stretch_compiled if use_compiled else _stretch
    for first in range(0, shot_count, size):
        check()
        end = min(first + size, shot_count)
        ranges, block = block_values(options, first, end, use_compiled=use_compiled)
        gain, weight, ended = run(
            options, first, end, automaton.skip, automaton.take, automaton.role, automaton.opens, use_values, cost,
            open_cost, gain, weight, weights, ended, layers, keep_layers, ranges, block,
        )  # fmt: skip
    return Forward(gain, weight, ended, layers)
