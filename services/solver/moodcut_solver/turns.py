"""Turns at the processors, in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from moodcut_solver.errors import SolveCancelledError

_POLL_SECONDS = 0.5


class Turns:
    """At most ``parallel`` callers at once; the others wait in line."""

    def __init__(self, parallel: int) -> None:
        self._lock = threading.Lock()
        self._free = parallel
        self._line: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, should_stop: Callable[[], bool]) -> Iterator[None]:
        """Wait for a turn and have it. Raises SolveCancelledError once ``should_stop`` says so while waiting."""
        mine = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                mine.set()
            else:
                self._line.append(mine)
        try:
            while not mine.wait(_POLL_SECONDS):
                if should_stop():
                    raise SolveCancelledError("the caller gave up")
            yield
        finally:
            with self._lock:
                if not mine.is_set():
                    self._line.remove(mine)
                elif self._line:
                    self._line.popleft().set()
                else:
                    self._free += 1
