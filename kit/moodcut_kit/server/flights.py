"""One call at a time makes a result; the others wait and find it made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Flights:
    """Locks by name that are there only while somebody holds or awaits them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._flying: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def only_one(self, key: str) -> Iterator[None]:
        """Wait until nobody else works under this name; then nobody else does until the block ends."""
        with self._guard:
            lock, count = self._flying.get(key, (threading.Lock(), 0))
            self._flying[key] = (lock, count + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, count = self._flying.pop(key)
                if count > 1:
                    self._flying[key] = (lock, count - 1)
