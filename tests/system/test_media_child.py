"""The decoding process: what it may do, how it ends, and that nothing is left of it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import child_works

from moodcut_kit.errors import CancelledError, MoodcutError, UnavailableError
from moodcut_kit.media.child import Work, run_work
from moodcut_kit.media.errors import (
    DecoderFailedError,
    DecoderLimitsError,
    DecoderLostError,
    MediaCutShortError,
    MediaLimitError,
    MediaUnreadableError,
)
from moodcut_kit.media.framing import Record
from moodcut_kit.media.limits import ProcessLimits, limits_from_environment
from moodcut_kit.media.source import RangeSource, Source

_LIMITS = ProcessLimits(max_memory_byte_count=1 << 30, max_cpu_seconds=60)
_FILM = Path("film.mp4")


def _run(work: Work, *arguments: Any, source: Source = _FILM, limits: ProcessLimits = _LIMITS) -> list[Record]:
    return list(run_work(work, source, *arguments, process_limits=limits))


def _error(work: Work, *arguments: Any, source: Source = _FILM, limits: ProcessLimits = _LIMITS) -> MoodcutError:
    with pytest.raises(MoodcutError) as caught:
        _run(work, *arguments, source=source, limits=limits)
    return caught.value


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """Neither a process, dead or alive, nor an open file, whatever happened in a test."""
    handles = len(os.listdir("/proc/self/fd"))
    before = _children()
    yield
    assert _children() == before
    end = time.monotonic() + 5
    # The thread that serves ranges closes its socket when it finds the other end closed.
    while len(os.listdir("/proc/self/fd")) != handles and time.monotonic() < end:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) == handles


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def _is_alive(pid: object) -> bool:
    try:
        os.kill(int(str(pid)), 0)
    except ProcessLookupError:
        return False
    return True


def test_records_come_from_another_process_and_are_those_of_this_one() -> None:
    values = (1, 2.5, "ü", None, True, b"\x00", [1, 2], [b"a", b""])
    there = _run(child_works.echo, *values)
    here = list(run_work(child_works.echo, _FILM, *values, process_limits=None))
    assert [record["value"] for record in there] == [record["value"] for record in here] == list(values)
    assert {record["source"] for record in there} == {"film.mp4"}
    assert {record["pid"] for record in here} == {os.getpid()}
    assert len({record["pid"] for record in there} - {os.getpid()}) == 1


def test_it_has_no_secrets_writes_nothing_and_is_light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (found,) = _run(child_works.surroundings, str(tmp_path / "file"))
    assert isinstance(found["environment"], bytes)
    assert b"AWS" not in found["environment"]
    assert found["limits"] == [1 << 30, 60, 0]
    assert not found["written"]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) == 0
    assert (found["threads"], found["niceness"], found["interrupt_ignored"]) == (1, os.nice(0), True)
    assert isinstance(found["modules"], bytes)
    assert not {b"grpc", b"onnxruntime", b"onnx", b"minio", b"scipy"} & set(found["modules"].split())


def test_too_much_memory() -> None:
    assert _run(child_works.takes_memory, 300) == [{"taken": 300 << 20}]
    error = _error(child_works.takes_memory, 1100)
    assert isinstance(error, MediaLimitError)
    assert error.message == "film.mp4 takes more than 1024 MiB of memory to decode, the most accepted."
    assert error.metadata == {"file": "film.mp4", "max": str(1 << 30)}


def test_too_much_processor_time() -> None:
    error = _error(child_works.spins, limits=ProcessLimits(max_cpu_seconds=1))
    assert isinstance(error, MediaLimitError)
    assert error.message == "film.mp4 takes more than 1 s of processor time to decode, the most accepted."


def test_a_crash() -> None:
    error = _error(child_works.reads_nowhere)
    assert isinstance(error, MediaUnreadableError)
    assert error.message == "film.mp4 makes the decoder crash (SIGSEGV)."
    assert isinstance(_error(child_works.dies, signal.SIGABRT), MediaUnreadableError)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_ended_by_somebody(number: signal.Signals) -> None:
    error = _error(child_works.dies, number)
    assert isinstance(error, DecoderLostError)
    assert error.retryable
    assert number.name in error.message


@pytest.mark.parametrize("code", [0, 3])
def test_ended_without_a_word(code: int) -> None:
    error = _error(child_works.leaves, code)
    assert isinstance(error, DecoderFailedError)
    assert f"exit code {code}" in error.message


def test_errors_come_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    error = _error(child_works.raises, "media")
    assert type(error) is MediaLimitError
    assert (error.message, error.metadata) == ("too much: ü", {"file": "x.mp4", "max": "3"})
    for kind in ("foreign", "bug"):
        assert isinstance(_error(child_works.raises, kind), DecoderFailedError)
    assert "RuntimeError: a bug bug" in caplog.text


def test_what_libraries_print_is_kept_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert _run(child_works.talks) == [{"said": True}]
    assert "printed by a library" in caplog.text
    assert "last words" in caplog.text


@pytest.mark.parametrize(
    "data", [b"\xff" * 64, b"\x02\x00\x00\x00\x00\x00\x00\x00[]", b"\x02\x00\x00\x00\x05\x00\x00\x00{}"]
)
def test_rubbish_instead_of_records(data: bytes) -> None:
    assert isinstance(_error(child_works.writes_rubbish, data), DecoderFailedError)


@pytest.mark.parametrize("work", [child_works.spins, child_works.sleeps])
def test_a_caller_who_gives_up_ends_it_at_once(work: Work) -> None:
    given_up = threading.Event()

    def check() -> None:
        if given_up.is_set():
            raise CancelledError("enough")

    with closing(run_work(work, _FILM, process_limits=_LIMITS, check=check)) as records:
        pid = next(records)["pid"]
        given_up.set()
        start = time.monotonic()
        with pytest.raises(CancelledError, match="enough"):
            next(records)
    assert time.monotonic() - start < 2
    assert not _is_alive(pid)


def test_an_iterator_that_is_left_ends_it() -> None:
    records = run_work(child_works.sleeps, _FILM, process_limits=_LIMITS)
    pid = next(records)["pid"]
    records.close()
    assert not _is_alive(pid)
    again = run_work(child_works.sleeps, _FILM, process_limits=_LIMITS)
    pid = next(again)["pid"]
    del again
    assert not _is_alive(pid)


@pytest.mark.parametrize("work", ["spins", "sleeps"])
def test_it_dies_with_its_parent(work: str) -> None:
    program = (
        "from pathlib import Path; from support import child_works; from moodcut_kit.media.child import run_work\n"
        "from moodcut_kit.media.limits import ProcessLimits\n"
        f"records = run_work(child_works.{work}, Path('x'), process_limits=ProcessLimits())\n"
        "print(next(records)['pid'], flush=True); input()"
    )
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    ) as parent:
        assert parent.stdout is not None
        pid = parent.stdout.readline()
        assert _is_alive(pid)
        parent.kill()
    end = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _is_alive(pid)


def test_it_waits_for_a_slow_reader() -> None:
    with closing(run_work(child_works.many, _FILM, 12, process_limits=_LIMITS)) as records:
        first = next(records)
        time.sleep(1)
        later = [first, *records]
    made = np.diff([int(str(record["at_ns"])) for record in later]) / 1e9
    # Until the reader came back at most what fits in the pipe and one record had been made.
    assert np.count_nonzero(np.cumsum(made) < 0.9) <= 3
    assert [record["number"] for record in later] == list(range(12))


class _Object:
    """An object that is gone, cut short or broken from some byte on."""

    def __init__(self, fails: Callable[[int, int], bytes | None]) -> None:
        self.data = bytes(range(256)) * (32 << 12)
        self.source = RangeSource("p/x/media/abc", len(self.data), self._fetch)
        self._fails = fails

    def _fetch(self, offset: int, count: int) -> bytes:
        failed = self._fails(offset, count)
        return self.data[offset : offset + count] if failed is None else failed


def test_it_reads_ranges_through_its_parent() -> None:
    there = _Object(lambda offset, count: None)
    places = [(0, 10), (20 << 20, 5), (0, len(there.data)), (len(there.data) - 3, 10), ((1 << 20) - 1, 2)]
    found = _run(child_works.reads, places, source=there.source)
    assert [record["data"] for record in found] == [there.data[at : at + count] for at, count in places]


def test_what_the_store_raises_is_what_the_caller_gets() -> None:
    def lost(offset: int, count: int) -> bytes | None:
        if offset > 1 << 20:
            raise UnavailableError("the store is away")
        return None

    error = _error(child_works.reads, [(0, 10), (9 << 20, 5)], source=_Object(lost).source)
    assert type(error) is UnavailableError
    assert error.message == "the store is away"


def test_an_object_that_is_cut_short() -> None:
    error = _error(child_works.reads, [(0, 4 << 20)], source=_Object(lambda at, count: b"" if at else None).source)
    assert isinstance(error, MediaCutShortError)
    assert "p/x/media/abc ends at byte 1048576" in error.message


def test_starting_takes_little() -> None:
    before = os.times()
    assert len(_run(child_works.echo, 1)) == 1
    after = os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    assert used < 1.0, "seconds of processor time; some 0.2 on a usual machine"


def test_limits_come_from_the_environment() -> None:
    assert limits_from_environment({}) == ProcessLimits()
    given = {"MOODCUT_DECODER_MEMORY_BYTES": "1000000000", "MOODCUT_DECODER_CPU_SECONDS": "60"}
    assert limits_from_environment(given) == ProcessLimits(max_memory_byte_count=1_000_000_000, max_cpu_seconds=60)
    for text in ("x", "0", "-1", "1.5"):
        with pytest.raises(DecoderLimitsError, match="MOODCUT_DECODER_CPU_SECONDS"):
            limits_from_environment({"MOODCUT_DECODER_CPU_SECONDS": text})


def test_limits_are_sane() -> None:
    for name in ("max_memory_byte_count", "max_cpu_seconds", "max_open_file_count"):
        with pytest.raises(ValueError, match=name):
            ProcessLimits(**{name: 0})
