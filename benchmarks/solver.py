"""Times the solver against CP-SAT, in the same run on the same problems.

Rule: the solver's time is the median of five calls after a warm-up, everything included from arrays to placements; its
memory is how far the process's peak rises in a call. CP-SAT runs once with a time limit, on the model that proves more
(scene-wise where scenes have values of their own, else plain; the last column says which), model building not counted.
"agree": "yes" where CP-SAT proved the optimum and both are equal within shots / 1e6, "bound" where CP-SAT ran out of
time and found nothing better, "NO" otherwise. The problems are random with a fixed seed (solver_problems.py).

    python benchmarks/solver.py [--small | --full] [--cp-sat-seconds S] [--plot FILE.png]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from measuring import machine, median_seconds, peak_megabytes
from ortools.sat.python import cp_model
from solver_problems import KINDS, of_kind, problem

import moodcut_solver as ms
from moodcut_solver.checking import check_model
from moodcut_solver.cp_sat import ModelTooLargeError, run

REPEATS = 5
SIZES = {
    "small": ((200, 1500), (15, 60), (2,)),
    "standard": ((200, 1500, 3000, 10_000), (15, 60, 150), (5, 10)),
}
LARGEST_SOFT = 3000
# (kind, shots, bars, scenes): at most so many milliseconds and megabytes.
TARGETS = {
    ("hard", 3000, 150, 10): (30.0, 100.0),
    ("hard, rich", 3000, 150, 10): (150.0, math.inf),
    ("soft scaled", 3000, 150, 5): (3000.0, 600.0),
}


def cp_sat(fields: dict[str, Any], limit_seconds: float) -> tuple[float, float, bool, str] | None:
    """Objective (nan if none), seconds, whether proven, and the model; None where the model would be too large."""
    try:
        model = check_model(ms.build_problem(**fields))
    except ModelTooLargeError:
        return None
    began = time.perf_counter()
    solver, status = run(model.model, limit_seconds)
    seconds = time.perf_counter() - began
    found = model.score(solver) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else math.nan
    return found, seconds, status in (cp_model.OPTIMAL, cp_model.INFEASIBLE), model.kind.value


def agreement(solution: ms.Solution, objective: float, proven: bool, shot_count: int) -> str:
    """Whether the two answers go together."""
    infeasible = solution.status is ms.Status.INFEASIBLE
    if math.isnan(objective):
        return "yes" if proven and infeasible else "NO" if proven else "bound"
    tolerance = shot_count / 1e6
    if infeasible or objective > solution.best_bound + tolerance:
        return "NO"
    if not proven:
        return "bound"
    return "yes" if abs(objective - solution.objective) <= tolerance else "NO"


def plot(points: dict[str, list[tuple[int, float, float]]], path: Path, title: str) -> None:
    """Time and memory against the number of shots, a line for each kind of problem."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for kind, rows in points.items():
        shots, milliseconds, megabytes = zip(*sorted(rows), strict=True)
        for axis, values in zip(axes, (milliseconds, megabytes), strict=True):
            axis.plot(shots, values, marker="o", label=kind)
    for axis, label in zip(axes, ("median time of a call, ms", "memory of a call, MB"), strict=True):
        axis.set(xlabel="shots", ylabel=label, xscale="log", yscale="log")
        axis.grid(True, which="both", alpha=0.25)
    axes[0].legend()
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    print(f"plot: {path}")


def main() -> int:
    """Print the table; the exit code says whether any answers disagree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a few sizes and 2 s for CP-SAT")
    parser.add_argument("--full", action="store_true", help="60 s for CP-SAT")
    parser.add_argument("--cp-sat-seconds", type=float, help="time limit for CP-SAT; 0 leaves it out")
    parser.add_argument("--plot", type=Path, default=Path("build/bench/solver.png"), help="where the plot goes")
    arguments = parser.parse_args()
    limit = 2.0 if arguments.small else 60.0 if arguments.full else 10.0
    if arguments.cp_sat_seconds is not None:
        limit = arguments.cp_sat_seconds
    shot_counts, bar_counts, scene_counts = SIZES["small" if arguments.small else "standard"]
    ms.warm_up()
    print(f"{machine()}, CP-SAT limit {limit:g} s, {REPEATS} calls")
    print(f"{'problem':12} {'shots':>6} {'bars':>5} {'N_c':>3} {'status':>10} {'ms':>9} {'MB':>6} {'objective':>12}"
          f" {'CP-SAT s':>9} {'objective':>12} {'ratio':>8}  agree  model")  # fmt: skip
    points: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    reached: list[str] = []
    disagreements = 0
    for shot_count in shot_counts:
        for bar_count in bar_counts:
            for max_scenes in scene_counts:
                for kind in KINDS if shot_count <= LARGEST_SOFT else KINDS[:2]:
                    fields = of_kind(kind, problem(shot_count, bar_count), max_scenes)
                    solution, seconds = median_seconds(lambda fields=fields: ms.solve(**fields), REPEATS)
                    megabytes = peak_megabytes(lambda fields=fields: ms.solve(**fields))
                    line = (
                        f"{kind:12} {shot_count:6} {bar_count:5} {max_scenes:3} {solution.status.value:>10}"
                        f" {seconds * 1e3:9.2f} {megabytes:6.1f} {solution.objective:12.6f}"
                    )
                    other = cp_sat(fields, limit) if limit > 0 else None
                    if other is not None:
                        objective, other_seconds, proven, model = other
                        verdict = agreement(solution, objective, proven, shot_count)
                        disagreements += verdict == "NO"
                        ratio = other_seconds / seconds
                        line += f" {other_seconds:9.3f} {objective:12.6f} {ratio:8.0f}  {verdict:5}  {model}"
                    print(line, flush=True)
                    if (bar_count, max_scenes) == (bar_counts[-1], scene_counts[0]):
                        points[kind].append((shot_count, seconds * 1e3, megabytes))
                    target = TARGETS.get((kind, shot_count, bar_count, max_scenes))
                    if target:
                        met = seconds * 1e3 <= target[0] and not megabytes > target[1]
                        reached.append(f"{kind} {shot_count} x {bar_count}, N_c {max_scenes}: {seconds * 1e3:.1f} ms"
                                       f" of {target[0]:g}, {megabytes:.0f} MB of {target[1]:g}:"
                                       f" {'met' if met else 'NOT MET'}")  # fmt: skip
    print(*reached, sep="\n")
    plot(points, arguments.plot, f"{bar_counts[-1]} bars, N_c {scene_counts[0]}; {machine()}")
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
