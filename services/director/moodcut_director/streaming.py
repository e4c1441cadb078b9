"""Work whose caller watches it: done in a thread while its progress is sent, ended when the caller goes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from moodcut_director.montages import Progress
from moodcut_kit.errors import CancelledError, UnavailableError

_Result = TypeVar("_Result")
_POLL_SECONDS = 0.1


class Caller(Protocol):
    """The part of a gRPC servicer's context that is needed."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Call back when the call has ended; False if it has."""
        ...


class Watched(Generic[_Result]):
    """Iterate for the progress of ``work``; :attr:`result` is there when the iteration has ended.

    ``work`` is given an event, which is set when the caller has gone, its deadline has passed or ``stopping`` is set,
    and a function that takes progress. Equal stages are told at most every ``every_seconds``. What ``work`` raises
    passes through. A director that stops raises UnavailableError, so that the caller asks again.
    """

    result: _Result

    def __init__(
        self,
        work: Callable[[threading.Event, Callable[[Progress], None]], _Result],
        *,
        context: Caller,
        stopping: threading.Event,
        every_seconds: float,
    ) -> None:
        self._work = work
        self._context = context
        self._stopping = stopping
        self._every_seconds = every_seconds

    def __iter__(self) -> Iterator[Progress]:
        cancelled = threading.Event()
        if not self._context.add_callback(cancelled.set):
            raise CancelledError("the caller ended the call")
        told: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        with ThreadPoolExecutor(1, thread_name_prefix="watched") as pool:
            future = pool.submit(self._work, cancelled, told.put)
            try:
                stage, told_seconds = "", 0.0
                while not (future.done() and told.empty()):
                    if self._stopping.is_set():
                        cancelled.set()
                    try:
                        progress = told.get(timeout=_POLL_SECONDS)
                    except queue.Empty:
                        continue
                    now_seconds = time.monotonic()
                    if progress.stage != stage or now_seconds - told_seconds >= self._every_seconds:
                        stage, told_seconds = progress.stage, now_seconds
                        yield progress
            finally:
                # Also where the caller has gone while a message was sent: the work must not outlive the call.
                cancelled.set()
            try:
                self.result = future.result()
            except CancelledError:
                if self._stopping.is_set():
                    raise UnavailableError("the director is stopping; ask again") from None
                raise
