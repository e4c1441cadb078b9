"""The Lagrangian dual of the soft limit: an upper bound for every selection, and what bounds its parts."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np

from moodcut_solver.automaton import Automaton
from moodcut_solver.forward import Forward, Layers, forward
from moodcut_solver.options import Options
from moodcut_solver.soft_weights import Weights
from moodcut_solver.table import Checkpoint, OutOfTimeError

_LARGEST_PRICE = float(1 << 70)
_ROUNDING = 2.0**-50
_LEAST_SLACK = float(1 << 24)


class Dual:
    """The Lagrangian dual: the multiplier at which the relaxed optimum bounds best, and the prefixes' gains there.

    Each evaluation gives a selection, a line value - multiplier * weight. The next multiplier is where the best
    feasible line and the best infeasible line meet, until no selection lies above that point.

    Values and prices are summed as floats: ``slack`` is more than rounding can make of a difference between the two.
    Every multiplier gives a bound that is true, so none is taken that is so large that rounding would drown the values.
    ``feasible``: whether any selection keeps within the capacity. ``floor``: some selection is worth at least that.
    ``light_multiplier``: one at which the relaxed optimum keeps within the capacity, as far as one was found.
    ``gains`` is None where the time ran out before.
    """

    def __init__(
        self, options: Options, automaton: Automaton, weights: Weights, *, check: Checkpoint, patient: Checkpoint
    ) -> None:
        """``check`` may raise OutOfTimeError, which ends the search; ``patient`` watches what must be known anyway."""
        self._options, self._automaton, self._check = options, automaton, patient
        self._weights = weights.weights.astype(np.float64)
        self._capacity = weights.capacity
        self._largest = _LARGEST_PRICE / weights.capacity
        self.slack = _LEAST_SLACK
        last = options.bar_count
        lightest = self._run(1.0, use_values=False)
        self.feasible = bool(-lightest.gain[0, last] <= weights.capacity)
        self.floor = -np.inf
        self.multiplier, self.light_multiplier = 0.0, self._largest
        self.bound = 1 << 60
        self.gains: Layers | None = None
        self._check = check
        if self.feasible:
            with suppress(OutOfTimeError):
                self._search(last)

    def _search(self, last: int) -> None:
        heavy = self._line(0.0)
        self.bound = math.ceil(heavy[0] + self.slack)
        light = self._first_feasible(heavy[0])
        self.multiplier = self._meet(light, heavy)
        final = self._run(self.multiplier, use_values=True, keep_layers=True)
        self.gains = final.layers
        self.slack = self._slack(self.multiplier)
        self.bound = math.ceil(final.gain[0, last] + self.multiplier * self._capacity + self.slack)

    def _run(self, multiplier: float, *, use_values: bool, keep_layers: bool = False) -> Forward:
        return forward(
            self._options,
            self._automaton,
            start=0,
            check=self._check,
            use_values=use_values,
            weights=self._weights,
            multiplier=multiplier,
            keep_layers=keep_layers,
        )

    def _line(self, multiplier: float) -> tuple[float, float]:
        """Value and weight of the relaxed optimum."""
        result = self._run(multiplier, use_values=True)
        weight = float(result.weight[0, self._options.bar_count])
        value = float(result.gain[0, self._options.bar_count]) + multiplier * weight
        if weight <= self._capacity:
            self.floor = max(self.floor, value - self._slack(multiplier))
            self.light_multiplier = min(self.light_multiplier, multiplier)
        return value, weight

    def _slack(self, multiplier: float) -> float:
        terms = self._options.bar_count + 4
        return max(_LEAST_SLACK, _ROUNDING * terms * multiplier * self._capacity)

    def _first_feasible(self, scale: float) -> tuple[float, float] | None:
        multiplier = max(1.0, abs(scale)) / self._capacity
        while multiplier < 4.0 * self._largest:
            line = self._line(min(multiplier, self._largest))
            if line[1] <= self._capacity:
                return line
            multiplier *= 4.0
        return None

    def _meet(self, light: tuple[float, float] | None, heavy: tuple[float, float]) -> float:
        if light is None:
            return 0.0
        multiplier = 0.0
        for _ in range(60):
            if heavy[1] <= light[1]:
                break
            multiplier = min(max(0.0, (heavy[0] - light[0]) / (heavy[1] - light[1])), self._largest)
            value, weight = self._line(multiplier)
            height = value - multiplier * weight
            if height <= light[0] - multiplier * light[1] + self._slack(multiplier):
                break
            if weight <= self._capacity:
                light = (value, weight)
            else:
                heavy = (value, weight)
        return multiplier
