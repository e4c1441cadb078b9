"""The Lagrangian dual of the soft limit: an upper bound for every selection, and what bounds its parts."""

from __future__ import annotations

import math

import numpy as np

from moodcut_solver.automaton import Automaton
from moodcut_solver.forward import Forward, forward
from moodcut_solver.options import Options
from moodcut_solver.soft_weights import Weights
from moodcut_solver.table import Checkpoint

SLACK = 1 << 24
"""What rounding of floats may take off a bound."""


class Dual:
    """The Lagrangian dual: the multiplier at which the relaxed optimum bounds best, and the prefixes' gains there.

    Each evaluation gives a selection, a line value - multiplier * weight. The next multiplier is where the best
    feasible line and the best infeasible line meet, until no selection lies above that point.
    """

    def __init__(self, options: Options, automaton: Automaton, weights: Weights, check: Checkpoint) -> None:
        self._options, self._automaton, self._check = options, automaton, check
        self._weights = weights.weights.astype(np.float64)
        self._capacity = weights.capacity
        last = options.bar_count
        lightest = self._run(1.0, use_values=False)
        self.feasible = bool(-lightest.gain[0, last] <= weights.capacity)
        self.floor = -np.inf
        self.multiplier = 0.0
        if not self.feasible:
            return
        heavy = self._line(0.0)
        light = self._first_feasible(heavy[0])
        self.multiplier = self._meet(light, heavy)
        final = self._run(self.multiplier, use_values=True, keep_layers=True)
        self.gains = final.layers
        self.bound = math.ceil(final.gain[0, last] + self.multiplier * weights.capacity) + SLACK

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
            self.floor = max(self.floor, value - SLACK)
        return value, weight

    def _first_feasible(self, scale: float) -> tuple[float, float] | None:
        multiplier = max(1.0, abs(scale)) / self._capacity
        for _ in range(40):
            line = self._line(multiplier)
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
            multiplier = max(0.0, (heavy[0] - light[0]) / (heavy[1] - light[1]))
            value, weight = self._line(multiplier)
            height = value - multiplier * weight
            if height <= light[0] - multiplier * light[1] + SLACK:
                break
            if weight <= self._capacity:
                light = (value, weight)
            else:
                heavy = (value, weight)
        return multiplier
