"""How often the exact soft limit is proven within the time limit, and how long the first call of a process takes.

Proofs: random problems of one size, solved once each with MODE_EXACT. First call: fresh processes, each timing its
import of the solver and then its first call (a hard limit, 200 shots), with the compiled code in its cache; the median.

    python benchmarks/solver_proofs.py [--small]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from measuring import machine
from solver_problems import of_kind, problem

import moodcut_solver as ms

_FIRST_CALL = """
import time
began = time.perf_counter()
import moodcut_solver as ms
from solver_problems import of_kind, problem
imported = time.perf_counter()
ms.solve(**of_kind("hard", problem(200, 15), 5))
print(imported - began, time.perf_counter() - imported)
"""


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="smaller and fewer problems")
    small = parser.parse_args().small
    shot_count, bar_count, max_scenes, instances = (600, 60, 5, 5) if small else (3000, 150, 5, 20)
    ms.warm_up()
    print(machine())
    proven = []
    print(f"{'exact soft limit':18} {'shots':>6} {'bars':>5} {'N_c':>3} {'status':>10} {'s':>7} {'gap':>9}")
    for seed in range(instances):
        fields = of_kind("soft exact", problem(shot_count, bar_count, seed + 1), max_scenes)
        began = time.perf_counter()
        solution = ms.solve(**fields, time_limit_seconds=10)
        seconds = time.perf_counter() - began
        proven.append(solution.status is ms.Status.OPTIMAL)
        print(f"instance {seed + 1:9} {shot_count:6} {bar_count:5} {max_scenes:3} {solution.status.value:>10}"
              f" {seconds:7.2f} {solution.gap:9.2e}", flush=True)  # fmt: skip
    print(f"proven within 10 s: {sum(proven)} of {instances}")
    runs = []
    for _ in range(3 if small else 9):
        done = subprocess.run(
            [sys.executable, "-c", _FIRST_CALL], capture_output=True, text=True, check=True, cwd=sys.path[0]
        )
        runs.append(tuple(float(value) for value in done.stdout.split()))
    imported, first = (statistics.median(values) * 1e3 for values in zip(*runs, strict=True))
    print(f"a fresh process: import {imported:.0f} ms, then the first call {first:.0f} ms (of 300)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
