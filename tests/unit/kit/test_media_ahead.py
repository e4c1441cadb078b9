"""Reading ahead: the same items, errors where they belong, nothing left running."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import pytest

from moodcut_kit.media.ahead import read_ahead


class Source:
    """Counts up; knows how far it was asked and whether it was closed."""

    def __init__(self, count: int, *, error: Exception | None = None) -> None:
        self.asked, self.closed = 0, False
        self.items = self._items(count, error)

    def _items(self, count: int, error: Exception | None) -> Generator[int, None, None]:
        try:
            for number in range(count):
                self.asked = number + 1
                yield number
            if error is not None:
                raise error
        finally:
            self.closed = True


def test_the_same_items_in_order() -> None:
    source = Source(1000)
    assert list(read_ahead(source.items, count=3)) == list(range(1000))
    assert source.closed


def test_an_error_comes_after_the_items_before_it() -> None:
    source = Source(5, error=ValueError("broken"))
    ahead = read_ahead(source.items, count=2)
    seen = [next(ahead) for _ in range(5)]
    assert seen == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_it_is_ahead_by_no_more_than_it_may_be() -> None:
    source = Source(100)
    ahead = read_ahead(source.items, count=4)
    assert next(ahead) == 0
    deadline = time.monotonic() + 10
    while source.asked < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert source.asked == 6, "one taken, four waiting, one in hand"
    ahead.close()
    assert source.closed
    assert not [each for each in threading.enumerate() if each.name == "read-ahead"]
