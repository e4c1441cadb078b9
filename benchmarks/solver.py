"""Times the solver against CP-SAT with the plain model, in the same run on the same problems.

Rule: the recursion's time is the median of five solves after a warm-up, everything included from arrays to placements;
CP-SAT runs once with a time limit, model building not counted. "agree" compares objectives: "yes" where CP-SAT proved
the optimum and both are equal within shots / 1e6, "bound" where CP-SAT ran out of time and found nothing better, "NO"
otherwise. Shots, scenes and scores are random with a fixed seed; scores lie in [0, 1], scenes have 2 to 30 shots.

    python benchmarks/solver.py [--small] [--full] [--cp-sat-seconds S]
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import sys
import time
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

import moodcut_solver as ms
from moodcut_solver.plain_model import ModelTooLargeError, PlainModel, run

REPEATS = 5
SIZES = {
    "small": ((200, 1500), (15, 60), (5,)),
    "standard": ((200, 1500, 3000, 10_000), (15, 60, 150), (5, 10)),
}
LARGEST_SOFT = 3000


def problem(shot_count: int, bar_count: int) -> dict[str, Any]:
    """Shots of 0 to 7 bars in scenes of 2 to 30."""
    rng = np.random.default_rng([shot_count, bar_count])
    scenes = np.repeat(np.arange(shot_count), rng.integers(2, 31, shot_count))[:shot_count]
    return {
        "scene_ids": scenes.tolist(),
        "score": rng.random(shot_count),
        "bars": rng.integers(0, 8, shot_count),
        "bar_count": bar_count,
    }


def rich(fields: dict[str, Any]) -> dict[str, Any]:
    """The same shots with real boundaries, a score for every bar and flexible lengths up to 4."""
    rng = np.random.default_rng(len(fields["bars"]))
    count = fields["bar_count"]
    return {
        "scene_ids": fields["scene_ids"],
        "bar_scores": rng.random((len(fields["bars"]), count)),
        "duration_ticks": fields["bars"] * 50 + rng.integers(0, 50, len(fields["bars"])),
        "bar_boundary_ticks": np.cumsum(np.append(0, rng.integers(46, 55, count))),
        "length_mode": ms.LengthMode.FLEXIBLE,
        "max_bars": 4,
    }


def cases(size: str) -> list[tuple[str, dict[str, Any]]]:
    """Named problems, small ones first."""
    found: list[tuple[str, dict[str, Any]]] = []
    shot_counts, bar_counts, scene_counts = SIZES[size]
    for n in shot_counts:
        for bars in bar_counts:
            fields = problem(n, bars)
            for scenes in scene_counts:
                found.append(("hard", fields | {"scene_limit": ms.HardSceneLimit(scenes)}))
                found.append(("hard, rich", rich(fields) | {"scene_limit": ms.HardSceneLimit(scenes)}))
                if n <= LARGEST_SOFT:
                    found.append(("soft exact", fields | {"scene_limit": ms.SoftSceneLimit(scenes)}))
                    scaled = ms.SoftSceneLimit(scenes, ms.SoftMode.SCALED)
                    found.append(("soft scaled", fields | {"scene_limit": scaled}))
    return found


def timed(fields: dict[str, Any]) -> tuple[ms.Solution, float]:
    """The answer and the median time in seconds."""
    ms.solve(**fields)
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        solution = ms.solve(**fields)
        seconds.append(time.perf_counter() - began)
    return solution, statistics.median(seconds)


def cp_sat(fields: dict[str, Any], limit_seconds: float) -> tuple[float, float, bool] | None:
    """Objective (nan if none), seconds and whether proven; None where the model would be too large."""
    try:
        model = PlainModel(ms.build_problem(**fields), scale=1e6)
    except ModelTooLargeError:
        return None
    began = time.perf_counter()
    solver, status = run(model.model, limit_seconds, workers=os.cpu_count() or 1)
    seconds = time.perf_counter() - began
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return math.nan, seconds, status == cp_model.INFEASIBLE
    chosen = [use.score for use, x in zip(model.uses, model.variables, strict=True) if solver.boolean_value(x)]
    return math.fsum(chosen), seconds, status == cp_model.OPTIMAL


def agreement(solution: ms.Solution, other: tuple[float, float, bool], shot_count: int) -> str:
    """Whether the two answers go together."""
    objective, _, proven = other
    infeasible = solution.status is ms.Status.INFEASIBLE
    if math.isnan(objective):
        return "yes" if proven and infeasible else "NO" if proven else "bound"
    tolerance = shot_count / 1e6
    if infeasible or objective > solution.best_bound + tolerance:
        return "NO"
    if proven:
        return (
            "yes"
            if objective <= solution.objective + tolerance and solution.objective <= objective + tolerance
            else "NO"
        )
    return "bound"


def main() -> int:
    """Print the table; the exit code says whether any answers disagree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a few sizes and 2 s for CP-SAT")
    parser.add_argument("--full", action="store_true", help="60 s for CP-SAT")
    parser.add_argument("--cp-sat-seconds", type=float, help="time limit for CP-SAT; 0 leaves it out")
    arguments = parser.parse_args()
    limit = 2.0 if arguments.small else 60.0 if arguments.full else 10.0
    if arguments.cp_sat_seconds is not None:
        limit = arguments.cp_sat_seconds
    ms.warm_up()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, CP-SAT limit {limit:g} s")
    print(f"{'problem':12} {'shots':>6} {'bars':>5} {'N_c':>3} {'status':>10} {'ms':>9} {'objective':>12}"
          f" {'CP-SAT s':>9} {'objective':>12} {'ratio':>8}  agree")  # fmt: skip
    disagreements = 0
    for name, fields in cases("small" if arguments.small else "standard"):
        solution, seconds = timed(fields)
        shot_count = len(fields["scene_ids"])
        bars = fields.get("bar_count") or len(fields["bar_boundary_ticks"]) - 1
        line = (
            f"{name:12} {shot_count:6} {bars:5} {fields['scene_limit'].max_scenes:3}"
            f" {solution.status.value:>10} {seconds * 1e3:9.2f} {solution.objective:12.6f}"
        )
        other = cp_sat(fields, limit) if limit > 0 else None
        if other is not None:
            verdict = agreement(solution, other, shot_count)
            disagreements += verdict == "NO"
            line += f" {other[1]:9.3f} {other[0]:12.6f} {other[1] / seconds:8.0f}  {verdict}"
        print(line, flush=True)
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
