"""Work for the decoding process that does what a hostile file might make a decoder do."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from moodcut_kit.errors import CancelledError
from moodcut_kit.media.errors import MediaLimitError
from moodcut_kit.media.framing import Record, Value
from moodcut_kit.media.source import RangeFile, RangeSource, Source


def echo(source: Source, *values: Value) -> Iterator[Record]:
    for value in values:
        yield {"value": value, "source": str(source), "pid": os.getpid()}


def takes_memory(source: Source, mebibytes: int) -> Iterator[Record]:
    taken = bytearray(mebibytes << 20)
    yield {"taken": len(taken)}


def spins(source: Source) -> Iterator[Record]:
    yield {"pid": os.getpid()}
    while True:
        pass


def sleeps(source: Source) -> Iterator[Record]:
    yield {"pid": os.getpid()}
    time.sleep(600)


def dies(source: Source, number: int) -> Iterator[Record]:
    yield {"pid": os.getpid()}
    os.kill(os.getpid(), number)
    time.sleep(600)


def reads_nowhere(source: Source) -> Iterator[Record]:
    yield {}
    ctypes.string_at(1)


def leaves(source: Source, code: int) -> Iterator[Record]:
    yield {}
    os._exit(code)


def raises(source: Source, kind: str) -> Iterator[Record]:
    yield {}
    if kind == "media":
        raise MediaLimitError("too much: ü", file="x.mp4", max=3)
    if kind == "foreign":
        raise CancelledError("no media error")
    raise RuntimeError(f"a bug {kind}")


def talks(source: Source) -> Iterator[Record]:
    os.write(1, b"printed by a library\n")
    sys.stderr.write("x" * 200_000 + "\nlast words\n")
    yield {"said": True}


def writes_rubbish(source: Source, data: bytes) -> Iterator[Record]:
    for handle in range(3, 64):
        try:
            os.write(handle, data)
        except OSError:
            continue
    time.sleep(0.1)
    os._exit(0)
    yield {}


def surroundings(source: Source, file: str) -> Iterator[Record]:
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)]
    try:
        Path(file).write_bytes(b"x")
        written = True
    except OSError:
        written = False
    yield {
        "environment": "\n".join(os.environ).encode(),
        "modules": "\n".join(sys.modules).encode(),
        "limits": limits,
        "written": written,
        "threads": threading.active_count(),
        "niceness": os.nice(0),
        "interrupt_ignored": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
    }


def many(source: Source, count: int) -> Iterator[Record]:
    for number in range(count):
        yield {"number": number, "content": np.zeros(1 << 20, np.uint8), "at_ns": time.monotonic_ns()}


def reads(source: Source, places: list[tuple[int, int]]) -> Iterator[Record]:
    assert isinstance(source, RangeSource)
    file = RangeFile(source)
    for offset, count in places:
        file.seek(offset)
        yield {"data": file.read(count)}
