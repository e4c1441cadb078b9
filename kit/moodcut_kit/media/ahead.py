"""Work that goes on while its results are used."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_LOOK_SECONDS = 0.1


def read_ahead(items: Generator[_Item, None, None], *, count: int) -> Generator[_Item, None, None]:
    """The same items in the same order, taken by a thread that is up to ``count`` of them ahead.

    What ``items`` raises comes where its next item would. ``items`` runs and is closed in that thread, at the latest
    when this iterator is closed.
    """
    reader = _Reader(items, count)
    reader.start()
    try:
        yield from reader.taken()
    finally:
        reader.stop()


class _Reader(Generic[_Item]):
    def __init__(self, items: Generator[_Item, None, None], count: int) -> None:
        self._items = items
        self._queue: Queue[_Item] = Queue(maxsize=count)
        self._stopped, self._ended = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="read-ahead", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def taken(self) -> Generator[_Item, None, None]:
        while True:
            try:
                yield self._queue.get(timeout=_LOOK_SECONDS)
            except Empty:
                if self._ended.is_set() and self._queue.empty():
                    break
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            with closing(self._items):
                for item in self._items:
                    if not self._put(item):
                        return
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()

    def _put(self, item: _Item) -> bool:
        """Whether somebody still wants it."""
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_LOOK_SECONDS)
            except Full:
                continue
            return True
        return False
