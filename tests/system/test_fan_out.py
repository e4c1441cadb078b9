"""Two real segmenters share a film, and one of them is killed: the analysis is that of one."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from support.command import server_process
from support.trial import Trial

from moodcut.media import register
from moodcut_kit.client import Caller, MovieKeys, Pool, analyze_movie
from moodcut_kit.contract import LOCAL_PRINCIPAL
from moodcut_kit.store.local import LocalStore
from moodcut_kit.v1 import segmenter_pb2, segmenter_pb2_grpc


def _analyze(
    store: LocalStore, film: Path, addresses: list[str], on_progress: Callable[[float], None] = lambda share: None
) -> MovieKeys:
    with closing(Pool(addresses, segmenter_pb2_grpc.SegmenterServiceStub, calls_per_server=1)) as pool:
        return analyze_movie(
            pool,
            Caller(cancelled=threading.Event(), patience_seconds=30),
            principal=LOCAL_PRINCIPAL,
            movie_sha256=register(store, film).sha256,
            options=segmenter_pb2.MovieOptions(),
            on_progress=on_progress,
        )


def _objects(store: LocalStore, keys: MovieKeys) -> list[bytes]:
    names = (keys.movie_analysis_key, keys.keyframe_index_key, keys.keyframe_pack_key)
    return [store.get(name).data for name in names]


def _kill_once_it_works(process: subprocess.Popen[bytes], ended: threading.Event) -> None:
    """Kill a process that has spent some time on its processor since now, or when there is nothing left to do."""
    stat = Path(f"/proc/{process.pid}/stat")

    def ticks() -> int:
        fields = stat.read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    while ticks() < before + 20 and not ended.is_set():  # A hundred ticks are a second.
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)


def test_one_of_two_segmenters_is_killed_and_the_analysis_is_that_of_one(trial: Trial, tmp_path: Path) -> None:
    alone, shared = LocalStore(trial.store), LocalStore(tmp_path / "shared")
    with server_process("segmenter", "--store", trial.store, log=tmp_path / "one.log") as (_, address):
        expected = _objects(alone, _analyze(alone, trial.film, [address]))
    shares: list[float] = []
    with ExitStack() as stack:
        (doomed, first), (_, second) = (
            stack.enter_context(
                server_process("segmenter", "--store", tmp_path / "shared", log=tmp_path / f"{name}.log")
            )
            for name in ("doomed", "other")
        )
        ended = threading.Event()
        killer = threading.Thread(target=_kill_once_it_works, args=(doomed, ended))
        killer.start()
        try:
            keys = _analyze(shared, trial.film, [first, second], shares.append)
            in_time = not killer.is_alive()
        finally:
            ended.set()
            killer.join()
    assert in_time, "the analysis ended before there was a segmenter to kill"
    assert doomed.wait(10) == -signal.SIGKILL
    assert _objects(shared, keys) == expected
    assert len([each for each in shared.list("p/local/analyses/") if "/range-" in each.key]) >= 2
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
