"""What the CP-SAT models share: the solver's settings, the soft limit in integers, the scale of the objective."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ortools.sat.python import cp_model

from moodcut_solver.errors import SolveCancelledError
from moodcut_solver.problem import Problem, SoftMode, SoftSceneLimit

_LARGEST_OBJECTIVE = 1 << 50
_SMALLEST_SCORE = 1e-9
_LARGEST_WEIGHT = 1 << 60
_FINE_SCALE = 1 << 40
_WATCH_SECONDS = 0.05


class ModelTooLargeError(Exception):
    """The model would have more variables than CP-SAT can be expected to handle."""


def objective_scale(largest_sum: float, most: float) -> float:
    """Integers in a score of 1: a power of ten, at most ``most``, with which ``largest_sum`` stays exact."""
    room = _LARGEST_OBJECTIVE / max(largest_sum, _SMALLEST_SCORE)
    return float(min(10.0 ** math.floor(math.log10(room)), most))


def worker_count() -> int:
    """Threads for CP-SAT."""
    return max(1, min(8, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class SoftCoefficients:
    """Integer weight of every shot and the capacity; ``exact`` if they stand for the limit exactly."""

    weights: list[int]
    capacity: int
    exact: bool


def soft_coefficients(problem: Problem, limit: SoftSceneLimit, *, round_up: bool) -> SoftCoefficients:
    """The soft limit in integers.

    EXACT over a common denominator, or where that is too large for CP-SAT, rounded at a fine scale: up allows only what
    is allowed, down all that is.
    """
    sizes = [problem.scene.tolist().count(scene) for scene in range(len(problem.scene_ids))]
    shares = [Fraction(1, sizes[scene]) for scene in problem.scene.tolist()]
    capacity = min(limit.max_scenes, len(sizes))
    if limit.mode is SoftMode.SCALED:
        return SoftCoefficients([math.floor(limit.scale * share) for share in shares], limit.scale * capacity, True)
    common = math.lcm(*sizes)
    exact = common * (capacity + problem.bar_count) <= _LARGEST_WEIGHT
    if not exact:
        common = _FINE_SCALE
    rounded = [math.ceil(common * share) if round_up else math.floor(common * share) for share in shares]
    return SoftCoefficients(rounded, common * capacity, exact)


def run(
    model: cp_model.CpModel, seconds: float, *, should_stop: Callable[[], bool] | None = None
) -> tuple[cp_model.CpSolver, Any]:
    """Solve ``model`` within ``seconds``; the solver and its status.

    ``should_stop`` is asked now and then. Raises :class:`~moodcut_solver.errors.SolveCancelledError` once it says so.
    """
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(0.01, seconds)
    solver.parameters.num_workers = worker_count()
    solver.parameters.random_seed = 0
    done = threading.Event()

    def watch(asked: Callable[[], bool]) -> None:
        while not done.wait(_WATCH_SECONDS):
            if asked():
                solver.stop_search()

    watcher = threading.Thread(target=watch, args=(should_stop,), daemon=True) if should_stop else None
    if watcher is not None:
        watcher.start()
    try:
        status = solver.solve(model)
    finally:
        done.set()
    if should_stop is not None and should_stop():
        raise SolveCancelledError("the caller gave up")
    return solver, status
