"""Two segmenter processes, a core each, against one on one core: the same analysis in how much of its time.

Rule: every process is a segmenter of its own, held to one core and with single-threaded network and decoder, on a store
in a directory, and has analysed a second of another film before; each run has a new store, and its time is that from
PlanMovie to the answer of FinishMovie. The second run with two has one of them killed (SIGKILL) when two fifths of the
film are done. Where others use the machine the times say little; then compare processor seconds: of all segmenters
together, and of the busiest, which is the least time the run can take. Without a film it makes one (moodcut demo).

    python benchmarks/fanout.py [FILM] [--small] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from measuring import machine

from moodcut.demo import SceneSpec, default_scenes, write_film
from moodcut.media import register
from moodcut_kit.client import Caller, MovieKeys, Pool, analyze_movie
from moodcut_kit.contract import LOCAL_PRINCIPAL
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import segmenter_pb2, segmenter_pb2_grpc

TARGET = 0.6
_SMALL_SCENES = [
    SceneSpec(emotion="excited", shot_seconds=(2.4, 3.1, 2.0, 4.1)),
    SceneSpec(emotion="sad", shot_seconds=(3.2, 2.6, 4.4)),
]
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Run:
    seconds: float
    processor_seconds: list[float]
    objects: list[bytes]


def serve(store: Path, address: str, core: int, range_frames: int, ready: Connection) -> None:
    """Host a segmenter on one core; runs in a process of its own."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    from moodcut_kit.server import ServerSettings, start_server
    from moodcut_segmenter.service import segmenter_service
    from moodcut_segmenter.settings import SegmenterSettings

    settings = SegmenterSettings(network_threads=1, decoder_threads=1, range_frames=range_frames)
    server = start_server([segmenter_service(LocalStore(store), settings)], ServerSettings(address=address))
    ready.send(True)
    server.serve_until_signal()


@contextmanager
def segmenter(store: Path, address: str, core: int, range_frames: int) -> Iterator[BaseProcess]:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=serve, args=(store, address, core, range_frames, theirs))
    process.start()
    try:
        ours.recv()
        yield process
    finally:
        process.kill()
        process.join()


def processor_seconds(process: BaseProcess) -> float:
    """User and system time so far; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def analyze(
    store: LocalStore, film: Path, addresses: list[str], on_progress: Callable[[float], None] = lambda share: None
) -> MovieKeys:
    """Analyse a film on the segmenters at ``addresses``."""
    with closing(Pool(addresses, segmenter_pb2_grpc.SegmenterServiceStub)) as pool:
        return analyze_movie(
            pool,
            Caller(cancelled=threading.Event()),
            principal=LOCAL_PRINCIPAL,
            movie_sha256=register(store, film).sha256,
            options=segmenter_pb2.MovieOptions(),
            on_progress=on_progress,
        )


def run(film: Path, directory: Path, count: int, range_frames: int, *, kill: bool = False) -> Run:
    """Analyse the film on ``count`` processes, with a new store."""
    store = LocalStore(directory / "store")
    addresses = [f"unix:{directory}/{number}" for number in range(count)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(segmenter(directory / "store", address, number, range_frames))
            for number, address in enumerate(addresses)
        ]
        for number, address in enumerate(addresses):
            other = directory / f"other-{number}.mp4"
            write_film(other, scenes=[SceneSpec(emotion="sad", shot_seconds=(1.0,))], seed=number, size=(320, 180))
            analyze(store, other, [address])
        before = [processor_seconds(process) for process in processes]
        spent = [0.0] * count
        killed: list[int] = []

        def on_progress(share: float) -> None:
            for number, process in enumerate(processes):
                spent[number] = max(spent[number], processor_seconds(process) - before[number])
            if kill and not killed and share >= 0.4:
                killed.append(processes[0].pid or 0)
                os.kill(killed[0], signal.SIGKILL)

        began = time.perf_counter()
        keys = analyze(store, film, addresses, on_progress)
        seconds = time.perf_counter() - began
        on_progress(1.0)
    names = (keys.movie_analysis_key, keys.keyframe_index_key, keys.keyframe_pack_key)
    return Run(seconds, spent, [store.get(name).data for name in names])


def main() -> int:
    """Print the table; the exit code says whether results differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path, nargs="?")
    parser.add_argument("--small", action="store_true", help="a short film in short ranges")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    range_frames = 150 if arguments.small else 4000
    with tempfile.TemporaryDirectory() as directory:
        film = arguments.film or Path(directory) / "film.mp4"
        if arguments.film is None:
            scenes = _SMALL_SCENES if arguments.small else default_scenes(8, shots_per_scene=8)
            write_film(film, scenes=scenes, seed=3, size=(320, 180), sound=False)
        print(machine())
        print(f"{'segmenters':24} {'seconds':>9} {'of one':>7} {'processor s':>12} {'busiest':>8} {'of one':>7}  same")
        runs: dict[str, Run] = {}
        for name, count, kill in (("one", 1, False), ("two", 2, False), ("two, one of them killed", 2, True)):
            place = Path(directory) / name.replace(", ", "-").replace(" ", "-")
            place.mkdir()
            runs[name] = run(film, place, count, range_frames, kill=kill)
            of_one = runs[name].seconds / runs["one"].seconds
            same = runs[name].objects == runs["one"].objects
            spent, alone = runs[name].processor_seconds, sum(runs["one"].processor_seconds)
            print(f"{name:24} {runs[name].seconds:9.2f} {of_one:7.2f} {sum(spent):12.2f} {max(spent):8.2f}"
                  f" {max(spent) / max(alone, 0.01):7.2f}  {'yes' if same else 'NO'}", flush=True)  # fmt: skip
    ratio = runs["two"].seconds / runs["one"].seconds
    print(f"two processes take {ratio:.2f} of the time of one (at most {TARGET} is asked for)")
    if arguments.json:
        figures = {name: {"seconds": each.seconds, "processor_seconds": each.processor_seconds}
                   for name, each in runs.items()}  # fmt: skip
        arguments.json.write_text(json.dumps(figures), encoding="utf-8")
    return 0 if all(each.objects == runs["one"].objects for each in runs.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
