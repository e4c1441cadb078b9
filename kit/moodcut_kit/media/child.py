"""Work on a media file in a process of its own: what a hostile file does to a decoder stays there.

The process has limits (:class:`~moodcut_kit.media.limits.ProcessLimits`), none of this one's secrets, and can write
nothing but records of plain values (:mod:`moodcut_kit.media.framing`). It is a fresh interpreter, not a fork: this one
may have threads.
"""

from __future__ import annotations

import fcntl
import logging
import os
import pickle
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeAlias

from moodcut_kit.errors import MoodcutError
from moodcut_kit.media import errors as media_errors
from moodcut_kit.media.errors import DecoderFailedError, DecoderLostError, MediaLimitError, MediaUnreadableError
from moodcut_kit.media.framing import ENDED, FramingError, Record, unpack
from moodcut_kit.media.limits import ProcessLimits
from moodcut_kit.media.rangeserver import RangeServer
from moodcut_kit.media.source import RangeSource, Source

Work: TypeAlias = Callable[..., Iterator[Record]]
"""A function of a module: takes a source and arguments that can be pickled, and yields records."""

_log = logging.getLogger(__name__)
_CHECK_SECONDS = 0.2
_END_SECONDS = 5.0
_PIPE_BYTE_COUNT = 1 << 20
_KEPT_WORDS = 40
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUTF8", "TZ")
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def run_work(
    work: Work,
    source: Source,
    *arguments: Any,
    process_limits: ProcessLimits | None,
    check: Callable[[], None] = lambda: None,
) -> Generator[Record, None, None]:
    """The records of ``work(source, *arguments)``, made in a process of its own or, without limits, in this one.

    ``check`` is called several times a second and may raise to stop the work. The process ends with this iterator, at
    the latest when that is closed, and with this process. It is never far ahead: what is not taken waits in a pipe of
    1 MiB.

    Raises what the work raises, if it is a media error: it comes with its class, message and metadata. MediaLimitError
    when a limit is exceeded, MediaUnreadableError when the decoder crashes, DecoderLostError when somebody ends it,
    DecoderFailedError for all else; and what a :class:`RangeSource` raises.
    """
    if process_limits is None:
        for record in work(source, *arguments):
            check()
            yield record
        return
    with ExitStack() as stack:
        child = _Child(source, process_limits, check, stack)
        child.begin(work, arguments)
        yield from child.records()


class _Child:
    """One process and the pipes to it."""

    def __init__(self, source: Source, limits: ProcessLimits, check: Callable[[], None], stack: ExitStack) -> None:
        self._source, self._limits, self._check = source, limits, check
        self._server: RangeServer | None = None
        self._handed: tuple[Any, ...] = (source,)
        if isinstance(source, RangeSource):
            self._server = RangeServer(source)
            stack.callback(self._server.close)
            self._handed = (source.name, source.byte_count, self._server.child_end.fileno())
        self._words: deque[str] = deque(maxlen=_KEPT_WORDS)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "moodcut_kit.media.childmain"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            bufsize=0,
            pass_fds=self._handed[2:],
        )
        stack.callback(self._end)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._records, self._errors = self._process.stdout.fileno(), self._process.stderr.fileno()
        self._open = [self._records, self._errors]
        if self._server is not None:
            # Only the child's own copy may keep the connection open.
            self._server.child_end.close()
        with suppress(OSError, AttributeError):
            fcntl.fcntl(self._records, fcntl.F_SETPIPE_SZ, _PIPE_BYTE_COUNT)

    def begin(self, work: Work, arguments: tuple[Any, ...]) -> None:
        """Say what there is to do."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # Why it is gone is said where its records are missed.
            rest = memoryview(pickle.dumps(self._limits) + pickle.dumps((work, self._handed, arguments)))
            while rest:
                rest = rest[self._process.stdin.write(rest) :]

    def records(self) -> Iterator[Record]:
        """What it writes, to the end."""
        while True:
            try:
                record = unpack(self._read)
            except (EOFError, FramingError) as error:
                raise self._failure() from error
            if ENDED not in record:
                yield record
            elif record[ENDED] == "well" and (self._server is None or self._server.error is None):
                return
            else:
                raise self._reported(record)

    def _read(self, count: int) -> bytearray:
        data = bytearray(count)
        rest = memoryview(data)
        while rest:
            self._check()
            ready = _readable(self._open)
            if self._errors in ready:
                self._listen()
            if self._records in ready:
                got = os.readv(self._records, [rest])
                if not got:
                    raise EOFError
                rest = rest[got:]
        return data

    def _listen(self) -> None:
        said = os.read(self._errors, 1 << 16)
        if not said:
            self._open.remove(self._errors)
        self._words.extend(said.decode("utf-8", "replace").splitlines())

    def _reported(self, record: Record) -> Exception:
        """The error that the last record describes."""
        if self._server is not None and self._server.error is not None:
            return self._server.error
        name, message = str(record[ENDED]), str(record.get("message", ""))
        known = getattr(media_errors, name, None)
        if isinstance(known, type) and issubclass(known, MoodcutError):
            keys, values = record.get("keys"), record.get("values")
            pairs = zip(keys, values, strict=False) if isinstance(keys, list) and isinstance(values, list) else ()
            return known(message, **{_text(key): _text(value) for key, value in pairs})
        return DecoderFailedError(f"Decoding {self._source} failed: {name}: {message}", file=self._source)

    def _failure(self) -> Exception:
        """Why there is no last record."""
        if self._server is not None and self._server.error is not None:
            return self._server.error
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return DecoderFailedError(f"Decoding {self._source} failed: it gave no record.", file=self._source)
        if -code == signal.SIGXCPU:
            most = self._limits.max_cpu_seconds
            message = f"{self._source} takes more than {most} s of processor time to decode, the most accepted."
            return MediaLimitError(message, file=self._source, max=most)
        if code >= 0:
            return DecoderFailedError(f"Decoding {self._source} failed with exit code {code}.", file=self._source)
        name = signal.Signals(-code).name
        if -code in _FROM_OUTSIDE:
            message = f"The process that decoded {self._source} was ended by {name}: is the machine short of memory?"
            return DecoderLostError(message, file=self._source, signal=name)
        return MediaUnreadableError(f"{self._source} makes the decoder crash ({name}).", file=self._source, signal=name)

    def _end(self) -> None:
        """Leave nothing behind: neither process nor zombie nor pipe."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        while self._errors in self._open and _readable([self._errors]):
            self._listen()
        assert self._process.stderr is not None
        self._process.stderr.close()
        if self._words:
            _log.warning("decoding %s: %s", self._source, "\n".join(self._words))


def _readable(handles: list[int]) -> list[int]:
    """Those that have something to read or have ended, after a while at the latest. Handles may be of any number."""
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    return [handle for handle, _ in poll.poll(1000 * _CHECK_SECONDS)]


def _environment() -> dict[str, str]:
    """What the process needs to run as this one does; no keys."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    path = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
    # Few arenas and no threads for linear algebra: both take address space, which is limited.
    return kept | {"PYTHONPATH": path, "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
