"""The solver as a service: many clients at once, mixed requests, every answer compared with the library's.

The service is a process of its own. Clients call as fast as they are answered; a call that is refused for want of room
(RESOURCE_EXHAUSTED) is repeated after the delay that the answer names, as any client of moodcut does. The peer is the
library itself, called in turn for the same requests by one thread of this process.

    python benchmarks/solver_service.py [--small]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measuring import machine

from moodcut_kit.client import connect
from moodcut_kit.client.calls import Caller
from moodcut_kit.v1 import solver_pb2, solver_pb2_grpc
from moodcut_solver import warm_up
from moodcut_solver.messages import solve_message

DISTINCT = 40


def request(seed: int) -> solver_pb2.SolveRequest:
    """A hard, soft or free problem of 50 to 400 shots."""
    rng = np.random.default_rng(seed)
    shot_count = int(rng.integers(50, 401))
    scene = np.cumsum(rng.random(shot_count) < 0.1)
    made = solver_pb2.SolveRequest(bar_count=int(rng.integers(10, 41)))
    for k in range(shot_count):
        made.shots.add(
            shot_id=f"shot{k}", scene_id=f"scene{scene[k]}", bars=int(rng.integers(0, 6)), score=float(rng.random())
        )
    if seed % 3 == 0:
        made.hard_scene_limit.max_scenes = 4
    elif seed % 3 == 1:
        made.soft_scene_limit.max_scenes = 3
    if seed % 2:
        made.length_mode = solver_pb2.LENGTH_MODE_FLEXIBLE
        made.max_bars = 4
    if seed % 5 == 0:
        made.solution_count = 3
    return made


def main() -> int:
    """Print the figures; the exit code says whether an answer was lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="200 requests of 16 clients")
    small = parser.parse_args().small
    clients, calls = (16, 200) if small else (64, 2000)
    warm_up()
    requests = [request(seed) for seed in range(DISTINCT)]
    began = time.perf_counter()
    expected = [solve_message(each) for each in requests]
    alone = (time.perf_counter() - began) / DISTINCT
    with tempfile.TemporaryDirectory() as directory:
        address = f"unix:{Path(directory) / 'socket'}"
        command = [
            str(Path(sys.executable).parent / "moodcut"),
            "serve",
            "solver",
            "--address",
            address,
            "--max-active-calls",
            str(clients),
        ]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
            try:
                seconds, wrong, total = _load(address, requests, expected, clients, calls)
            finally:
                server.terminate()
    seconds.sort()
    print(machine())
    print(f"{clients} clients, {calls} calls: {len(seconds)} answered, {wrong} wrong, {calls / total:.0f} calls/s")
    print(
        f"latency ms: median {statistics.median(seconds) * 1e3:.1f}, p99 {seconds[int(0.99 * len(seconds))] * 1e3:.1f}"
    )
    print(f"the library alone: {1 / alone:.0f} calls/s on one thread; ratio {calls / total * alone:.2f}")
    return 0 if len(seconds) == calls and not wrong else 1


def _load(
    address: str,
    requests: list[solver_pb2.SolveRequest],
    expected: list[solver_pb2.SolveResponse],
    clients: int,
    calls: int,
) -> tuple[list[float], int, float]:
    with connect(address) as channel:
        stub = solver_pb2_grpc.SolverServiceStub(channel)
        caller = Caller(cancelled=threading.Event())
        caller.unary(stub.Solve, requests[0], timeout_seconds=60)

        def ask(number: int) -> tuple[float, bool]:
            began = time.perf_counter()
            answer = caller.unary(stub.Solve, requests[number % DISTINCT], timeout_seconds=120)
            took = time.perf_counter() - began
            answer.solve_seconds = expected[number % DISTINCT].solve_seconds
            return took, answer == expected[number % DISTINCT]

        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            results = list(pool.map(ask, range(calls)))
        total = time.perf_counter() - began
    return [took for took, _ in results], sum(not right for _, right in results), total


if __name__ == "__main__":
    sys.exit(main())
